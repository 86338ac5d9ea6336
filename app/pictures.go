package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"time"

	"golang.org/x/sync/singleflight"

	"polylens/indexer/catalog"
	"polylens/indexer/decode"
	"polylens/indexer/source"
	"polylens/web"
)

// pictures serves the files behind images, and thumbnails of them, which it
// keeps by content: it is web.Pictures.
type pictures struct {
	store  *catalog.Store
	folder string
	limits decode.Limits
	making singleflight.Group
}

const (
	thumbnailTimeout = time.Minute
	largestThumbnail = 2048      // pixels
	largestFile      = 256 << 20 // bytes, as in decode
)

func newPictures(store *catalog.Store, folder string, limits decode.Limits) *pictures {
	return &pictures{store: store, folder: folder, limits: limits}
}

// Original implements web.Pictures.
func (s *pictures) Original(ctx context.Context, collection, id string) (web.Picture, error) {
	found, err := imageOf(ctx, s.store, collection, id)
	if err != nil {
		return web.Picture{}, err
	}
	file, err := openOriginal(found)
	if err != nil {
		return web.Picture{}, err
	}
	info, err := file.Stat()
	if err != nil {
		return web.Picture{}, errors.Join(err, file.Close())
	}
	tag := found.SHA256
	if changed(found, info) {
		tag = fmt.Sprintf("%x-%x", info.Size(), info.ModTime().UnixNano())
	}
	return web.Picture{Content: file, Type: "image/" + found.Format, Tag: tag, Modified: info.ModTime(), Name: nameOf(found.URI)}, nil
}

// Thumbnail implements web.Pictures.
func (s *pictures) Thumbnail(ctx context.Context, collection, id string, size int) (web.Picture, error) {
	if size < 1 || size > largestThumbnail {
		return web.Picture{}, fmt.Errorf("%w: size %d, want 1 to %d", web.ErrInvalid, size, largestThumbnail)
	}
	found, err := imageOf(ctx, s.store, collection, id)
	if err != nil {
		return web.Picture{}, err
	}
	name := filepath.Join(s.folder, found.SHA256[:2], fmt.Sprintf("%s-%d", found.SHA256, size))
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return s.make(ctx, found, name, size)
	}
	if err != nil {
		return web.Picture{}, err
	}
	data, err := readAll(file, file)
	return thumbnail(data, found), err
}

// make decodes, scales and keeps a picture, once for all who ask at a time.
func (s *pictures) make(ctx context.Context, found catalog.Image, name string, size int) (web.Picture, error) {
	// The first who asks works for the others as well: their wait must not end
	// with their request.
	work := context.WithoutCancel(ctx)
	made := s.making.DoChan(name, func() (any, error) {
		work, cancel := context.WithTimeout(work, thumbnailTimeout)
		defer cancel()
		return s.write(work, found, name, size)
	})
	select {
	case <-ctx.Done():
		return web.Picture{}, ctx.Err()
	case result := <-made:
		if result.Err != nil {
			return web.Picture{}, result.Err
		}
		return thumbnail(result.Val.([]byte), found), nil
	}
}

func (s *pictures) write(ctx context.Context, found catalog.Image, name string, size int) ([]byte, error) {
	file, err := openOriginal(found)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	original, err := readAll(io.LimitReader(file, largestFile), file)
	if err != nil {
		return nil, err
	}
	decoded, _, err := decode.Bytes(ctx, found.URI, original, s.limits)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", web.ErrInvalid, err)
	}
	data, _, err := decode.Thumbnail(decoded, size)
	if err != nil || changed(found, info) {
		return data, err // what was indexed is another picture: keep nothing under its name
	}
	return data, keep(name, data)
}

// keep writes a file that others see whole or not at all.
func keep(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}

func thumbnail(data []byte, found catalog.Image) web.Picture {
	mediaType := "image/jpeg"
	if bytes.HasPrefix(data, []byte("\x89PNG")) {
		mediaType = "image/png"
	}
	return web.Picture{Content: inMemory{bytes.NewReader(data)}, Type: mediaType, Tag: found.SHA256}
}

// inMemory is a file that needs no closing.
type inMemory struct{ *bytes.Reader }

func (inMemory) Close() error { return nil }

// readAll reads everything and closes the file that it comes from.
func readAll(content io.Reader, file io.Closer) ([]byte, error) {
	data, err := io.ReadAll(content)
	return data, errors.Join(err, file.Close())
}

// openOriginal opens the file of an image, which may be gone by now.
func openOriginal(found catalog.Image) (*os.File, error) {
	file, err := source.Open(found.Source, found.URI)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: the picture is gone from %s", web.ErrNotFound, found.URI)
	}
	return file, err
}

// changed tells whether the file is not the one that was indexed.
func changed(found catalog.Image, info fs.FileInfo) bool {
	return info.Size() != found.Size || info.ModTime().UnixMilli() != found.Modified.UnixMilli()
}

// nameOf is the file name in a URI.
func nameOf(uri string) string {
	parsed, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	return path.Base(parsed.Path)
}
