package checkpoint

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// unfinished starts the names of folders that are being filled or removed.
const unfinished = ".writing-"

// makeDirectory lets fill write into a folder beside target, flushes it to the
// disk and gives it its name: target appears whole or not at all. Where target
// exists already, it is replaced. Files are to be written by writeFile.
func makeDirectory(target string, fill func(dir string) error) (err error) {
	parent := filepath.Dir(target)
	if err := removeUnfinished(target); err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(parent, unfinished+filepath.Base(target)+"-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(fresh)) }() // without effect once renamed
	if err := os.Chmod(fresh, 0o755); err != nil {
		return err
	}
	if err := fill(fresh); err != nil {
		return err
	}
	if err := syncDirectory(fresh); err != nil {
		return err
	}
	if err := moveAway(target); err != nil {
		return err
	}
	if err := os.Rename(fresh, target); err != nil {
		return err
	}
	return errors.Join(syncDirectory(parent), removeUnfinished(target))
}

// moveAway makes room for another folder of the name. What is moved counts as
// unfinished.
func moveAway(target string) error {
	err := os.Rename(target, filepath.Join(filepath.Dir(target), unfinished+filepath.Base(target)+"-0"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// removeUnfinished clears what a process that died has left of a folder.
func removeUnfinished(target string) error {
	prefix := unfinished + filepath.Base(target) + "-"
	return removeMatching(filepath.Dir(target), func(name string) bool {
		number, ok := strings.CutPrefix(name, prefix)
		return ok && strings.Trim(number, "0123456789") == "" // else it is of a longer name
	})
}

func removeMatching(folder string, matches func(name string) bool) error {
	entries, err := os.ReadDir(folder)
	for _, entry := range entries {
		if matches(entry.Name()) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(folder, entry.Name())))
		}
	}
	return err
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

// ReplaceFile gives a small file new content, whole or not at all, flushed to
// the disk.
func ReplaceFile(ctx context.Context, path string, content []byte) error {
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := writeContent(ctx, fresh, content); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// syncDirectory makes the names in a folder survive a power failure.
func syncDirectory(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("flushing %s: %w", path, err)
	}
	return nil
}
