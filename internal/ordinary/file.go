package ordinary

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"polylens/internal/patient"
)

// File is an ordinary file that was opened for reading. Once it has not answered a call
// it is not asked again. Its methods may be called like those of *os.File.
type File struct {
	handle handle
	ctx    context.Context // of whoever opened it
	place  string
	left   atomic.Pointer[patient.Left]
}

// handle is what is needed of *os.File.
type handle interface {
	io.Reader
	io.ReaderAt
	io.Seeker
	io.Closer
	Stat() (fs.FileInfo, error)
	Name() string
}

// piece is what is read at once: little enough for a slow disk to answer in time.
const piece = 256 << 10

// pieces are kept by calls that were left, which may fill them at any time.
var pieces = sync.Pool{New: func() any { return new([piece]byte) }}

// Name is the name that the file was opened by.
func (f *File) Name() string { return f.handle.Name() }

// Read implements io.Reader, as do the methods below the interfaces of their names.
func (f *File) Read(p []byte) (int, error) {
	return f.fill(p[:min(len(p), piece)], f.handle.Read)
}

// ReadAt implements io.ReaderAt.
func (f *File) ReadAt(p []byte, offset int64) (int, error) {
	done := 0
	for {
		part := p[done:min(len(p), done+piece)]
		n, err := f.fill(part, func(p []byte) (int, error) { return f.handle.ReadAt(p, offset) })
		done, offset = done+n, offset+int64(n)
		if err != nil || done == len(p) {
			return done, err
		}
	}
}

// fill reads into memory that is given up with the call, never into p itself.
func (f *File) fill(p []byte, read func([]byte) (int, error)) (int, error) {
	buffer := pieces.Get().(*[piece]byte)
	got, err := ask(f, "read", func() (answer, error) {
		n, err := read(buffer[:len(p)])
		return answer{n, err}, nil
	})
	if err != nil {
		return 0, err
	}
	copy(p, buffer[:got.n])
	pieces.Put(buffer)
	return got.n, got.err
}

// answer is what a reader gives, which may be something together with an error.
type answer struct {
	n   int
	err error
}

// ask makes a call, unless an earlier one was left.
func ask[T any](f *File, what string, ask func() (T, error)) (T, error) {
	if left := f.left.Load(); left != nil {
		var nothing T
		return nothing, &fs.PathError{Op: what, Path: f.place, Err: left}
	}
	value, err := call(f.ctx, what, f.place, ask, nil)
	if left := (*patient.Left)(nil); errors.As(err, &left) {
		f.left.Store(left)
	}
	return value, err
}

// Seek implements io.Seeker.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	return ask(f, "seek", func() (int64, error) { return f.handle.Seek(offset, whence) })
}

// Stat describes the file.
func (f *File) Stat() (fs.FileInfo, error) {
	return ask(f, "stat", f.handle.Stat)
}

// Close implements io.Closer. A file that does not answer is closed when it does.
func (f *File) Close() error {
	if f.left.Load() != nil {
		go f.handle.Close()
		return nil
	}
	_, err := call(context.Background(), "close", f.place, func() (none, error) { return none{}, f.handle.Close() }, nil)
	if left := (*patient.Left)(nil); errors.As(err, &left) && left.For == 0 { // it was not tried
		go f.handle.Close()
	}
	return err
}

type none struct{}

func closeLate(file *os.File) { file.Close() }
