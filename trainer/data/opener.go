package data

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/source"
	"polylens/internal/ordinary"
)

// Opener reads the bytes of pictures. Several goroutines may do so at once.
type Opener interface {
	// Bytes gives the file of a picture, or the member of a shard. The error
	// does not name the picture.
	Bytes(ctx context.Context, picture Picture) ([]byte, error)
}

// FileOptions say how the bytes of pictures are read. A zero field has the
// default.
type FileOptions struct {
	MaxBytes int64         // of one picture; default 64 MiB
	Timeout  time.Duration // for one picture from the web; default 30 s
	// Cache is the folder in which pictures from the web are kept, so that every
	// epoch sees the same bytes, and compressed shards are unpacked. Without one
	// neither can be read.
	Cache string
	// Private allows pictures from addresses that are not public, on any port,
	// and through the proxy that the environment names. Leave it off for URLs
	// that come from somebody else.
	Private bool
}

// Files is the Opener of files, shards and URLs.
type Files struct {
	options FileOptions
	web     *web
}

// NewFiles prepares an Opener. Close it after use.
func NewFiles(options FileOptions) *Files {
	if options.MaxBytes == 0 {
		options.MaxBytes = 64 << 20
	}
	if options.Timeout == 0 {
		options.Timeout = 30 * time.Second
	}
	return &Files{options: options, web: newWeb(options)}
}

// Close ends idle connections.
func (f *Files) Close() { f.web.client.CloseIdleConnections() }

// Bytes implements Opener.
func (f *Files) Bytes(ctx context.Context, picture Picture) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(picture.URI, "file:") {
		return f.web.bytes(ctx, picture.URI)
	}
	file, err := f.open(ctx, picture)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if picture.Member != "" {
		return readSection(file, picture, f.options.MaxBytes)
	}
	content, err := readWhole(file, f.options.MaxBytes)
	if err != nil {
		return nil, err
	}
	return picture.checked(content)
}

// checked is the content of a picture, unless that has to be another one.
func (p Picture) checked(content []byte) ([]byte, error) {
	if sum := sha256.Sum256(content); p.SHA256 != "" && hex.EncodeToString(sum[:]) != p.SHA256 {
		return nil, fmt.Errorf("its file has %w; index the folder again", catalog.ErrChanged)
	}
	return content, nil
}

// open opens the file of a picture, or the shard that it is in, unpacked.
func (f *Files) open(ctx context.Context, picture Picture) (*ordinary.File, error) {
	if picture.Member == "" {
		return openFile(ctx, picture)
	}
	path, err := filePath(picture.URI)
	if err != nil {
		return nil, err
	}
	flat, err := unpacked(ctx, path, f.options.Cache)
	if err != nil || flat == path {
		return openFile(ctx, picture)
	}
	file, err := ordinary.OpenContext(ctx, flat)
	return file, plain(err)
}

func openFile(ctx context.Context, picture Picture) (*ordinary.File, error) {
	path, err := filePath(picture.URI)
	if err != nil {
		return nil, err
	}
	if picture.Within != "" {
		file, err := source.Open(ctx, picture.Within, picture.URI)
		return file, plain(err)
	}
	file, err := ordinary.OpenContext(ctx, path)
	return file, plain(err)
}

func filePath(uri string) (string, error) {
	address, err := url.Parse(uri)
	if err != nil || address.Scheme != "file" || address.Host != "" || !filepath.IsAbs(filepath.FromSlash(address.Path)) {
		return "", fmt.Errorf("URI %.200q does not name a local file", uri)
	}
	return filepath.FromSlash(address.Path), nil
}

// plain strips the path that errors of files carry.
func plain(err error) error {
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

func readWhole(file *ordinary.File, most int64) ([]byte, error) {
	content, err := file.ReadAll(most)
	if long := (*ordinary.TooLongError)(nil); errors.As(err, &long) {
		return nil, tooLarge(long.Size, most)
	}
	return content, plain(err)
}

// readMost reads at most the given number of bytes; it is an error if there are more.
func readMost(reader io.Reader, most int64) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(reader, most+1))
	if err != nil {
		return nil, plain(err)
	}
	if int64(len(content)) > most {
		return nil, tooLarge(int64(len(content)), most)
	}
	return content, nil
}

func readSection(file *ordinary.File, picture Picture, most int64) ([]byte, error) {
	if picture.Size > most {
		return nil, tooLarge(picture.Size, most)
	}
	content := make([]byte, max(picture.Size, 0))
	if n, err := file.ReadAt(content, picture.Offset); n < len(content) {
		return nil, fmt.Errorf("the shard has changed or is cut off: %w", plain(err))
	}
	return content, nil
}

func tooLarge(n, most int64) error {
	return fmt.Errorf("it has %d bytes or more; the limit is %d", n, most)
}
