package rotating

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"sync"
)

// File is a log. It is made by its first word, readable by its owner alone. It is safe for
// concurrent use.
type File struct {
	path  string
	limit int64
	keep  int

	mu   sync.Mutex
	file *os.File // nil: not open
	size int64
}

// New returns the log at a path, of at most limit bytes, beside which up to keep full ones
// are kept. It opens nothing yet.
func New(path string, limit int64, keep int) *File {
	return &File{path: path, limit: limit, keep: keep}
}

// Write implements io.Writer. Each call's words stay together in one file. After an error
// the next call tries anew: a disk may have room again.
func (f *File) Write(words []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.ready(int64(len(words))); err != nil {
		return 0, err
	}
	n, err := f.file.Write(words)
	f.size += int64(n)
	return n, err
}

// ready makes room for so many bytes.
func (f *File) ready(bytes int64) error {
	if f.file == nil {
		if err := f.open(); err != nil {
			return err
		}
	}
	if f.size == 0 || f.size+bytes <= f.limit {
		return nil
	}
	if err := errors.Join(f.close(), f.shift()); err != nil {
		return fmt.Errorf("begin a new log after %s: %w", f.path, err)
	}
	return f.open()
}

func (f *File) open() error {
	file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no ordinary file", f.path)
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	f.file, f.size = file, info.Size()
	return nil
}

// shift gives each full log the next number, the oldest first.
func (f *File) shift() error {
	for n := f.keep; n > 0; n-- {
		if err := os.Rename(f.name(n-1), f.name(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if f.keep == 0 {
		return os.Remove(f.path)
	}
	return nil
}

func (f *File) name(n int) string {
	if n == 0 {
		return f.path
	}
	return f.path + "." + strconv.Itoa(n)
}

func (f *File) close() error {
	if f.file == nil {
		return nil
	}
	err := f.file.Close()
	f.file = nil
	return err
}

// Close closes the file. A later word opens it again.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.close()
}
