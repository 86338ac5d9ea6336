package indexer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/indexer/fetch"
	"polylens/indexer/upload"
	"polylens/internal/ordinary"
)

// Places are where the pictures lie that clients name and do not send.
type Places struct {
	URLs     *fetch.Fetcher // nil: none are fetched
	Folders  []string       // of the server, absolute: files below them are read by their path
	Objects  *blob.Store    // files are read by their key; nil: none
	Bucket   string         // URL of what Objects are, to name all below a prefix by
	Uploads  *upload.Store  // files are read by the ID of their upload; nil: none
	MaxBytes int64          // of a file by path, key or upload
}

// picture returns the file of an upsert, to be released after use. catalog.ErrPicture when
// it cannot be had.
func (p *pushing) picture(ctx context.Context, document Document) (b brought, err error) {
	b.release = func() {}
	switch {
	case document.SHA256 != "":
		return p.known(ctx, document.SHA256)
	case document.URL != "":
		return p.fetch(ctx, document)
	case document.Path != "":
		b.data, err = p.places.file(ctx, document.Path)
	case document.Key != "":
		b.data, err = p.places.object(ctx, document.Key)
	case document.Upload != "":
		b.data, err = p.places.upload(ctx, p.name, document.Upload)
	default:
		b.data = document.Data
	}
	return b, err
}

func (p Places) fetch(ctx context.Context, url string, earlier fetch.Validators) (fetch.Result, error) {
	if p.URLs == nil {
		return fetch.Result{}, fmt.Errorf("%w: this server fetches no URLs; send its bytes", catalog.ErrPicture)
	}
	result, err := p.URLs.Get(ctx, url, earlier)
	var failed *fetch.Error
	switch {
	case errors.As(err, &failed) && failed.Reason == fetch.Interrupted:
		return fetch.Result{}, err
	case err != nil:
		return fetch.Result{}, fmt.Errorf("%w: %s", catalog.ErrPicture, err)
	}
	return result, nil
}

// file reads a file below one of the folders, and no link that leads out of it.
func (p Places) file(ctx context.Context, path string) ([]byte, error) {
	if !filepath.IsAbs(path) {
		return nil, fmt.Errorf("%w: the path %.200q is not absolute", catalog.ErrPicture, path)
	}
	path = filepath.Clean(path)
	for _, folder := range p.Folders {
		name, err := filepath.Rel(folder, path)
		if err == nil && filepath.IsLocal(name) && name != "." {
			return readBelow(ctx, folder, name, p.MaxBytes)
		}
	}
	return nil, fmt.Errorf("%w: %.200q lies in no folder that this server reads for clients; start it with --allow-path FOLDER, or send its bytes", catalog.ErrPicture, path)
}

func readBelow(ctx context.Context, folder, name string, most int64) ([]byte, error) {
	data, err := read(ctx, folder, name, most)
	if err != nil {
		return nil, fmt.Errorf("%w: %.200q: %w", catalog.ErrPicture, filepath.Join(folder, name), fileReason(err))
	}
	return data, nil
}

func read(ctx context.Context, folder, name string, most int64) ([]byte, error) {
	root, err := ordinary.Root(ctx, folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	file, err := ordinary.In(ctx, root, name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return file.ReadAll(most)
}

// fileReason is an error of the file system without the path. One that does not answer
// says so to errors.Is as well: another time, the picture may be there.
func fileReason(err error) error {
	var path *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("there is no such file")
	case errors.As(err, &path):
		return path.Err
	}
	return err
}

func (p Places) object(ctx context.Context, key string) ([]byte, error) {
	if p.Objects == nil {
		return nil, fmt.Errorf("%w: this server reads no bucket for clients; start it with --source-bucket URL, or send its bytes", catalog.ErrPicture)
	}
	data, err := p.Objects.Read(ctx, strings.TrimPrefix(key, "/"), p.MaxBytes)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: the bucket has no %.200q", catalog.ErrPicture, key)
	case errors.Is(err, blob.ErrTooLarge), errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrInvalid):
		return nil, fmt.Errorf("%w: %w", catalog.ErrPicture, err)
	}
	return data, err
}
