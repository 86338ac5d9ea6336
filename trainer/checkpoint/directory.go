package checkpoint

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"

	"polylens/internal/replace"
)

// makeDirectory lets fill write into a folder beside target, flushes it to the
// disk and gives it its name: target appears whole or not at all. Where target
// exists already, it is replaced. What processes that died have left of target
// is removed. Files are to be written by writeFile.
func makeDirectory(target string, fill func(dir string) error) error {
	if err := replace.SweepDirectory(target); err != nil {
		return err
	}
	return replace.Directory(target, 0o755, fill)
}

// writeFile makes a file, flushes it to the disk and returns its stamp.
func writeFile(ctx context.Context, path string, write func(io.Writer) error) (stamp stampedFile, err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return stampedFile{}, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	stamped := &stampWriter{ctx: ctx, to: file, sum: sha256.New()}
	buffered := bufio.NewWriterSize(stamped, 1<<20)
	if err := write(buffered); err != nil {
		return stampedFile{}, err
	}
	if err := buffered.Flush(); err != nil {
		return stampedFile{}, err
	}
	return stamped.stamp(filepath.Base(path)), file.Sync()
}

// stampWriter takes the SHA-256 of what passes through it.
type stampWriter struct {
	ctx   context.Context
	to    io.Writer
	sum   hash.Hash
	bytes int64
}

func (w *stampWriter) Write(raw []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := w.to.Write(raw)
	w.bytes += int64(n)
	w.sum.Write(raw[:n])
	return n, err
}

func (w *stampWriter) stamp(name string) stampedFile {
	return stampedFile{Name: name, Bytes: w.bytes, SHA256: hex.EncodeToString(w.sum.Sum(nil))}
}

func writeContent(ctx context.Context, path string, content []byte) (stampedFile, error) {
	return writeFile(ctx, path, func(to io.Writer) error {
		_, err := to.Write(content)
		return err
	})
}
