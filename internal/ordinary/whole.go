package ordinary

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
)

// TooLongError is wrapped by the error for a file that has more than is read of it.
type TooLongError struct {
	Size int64 // that it has, or as much of it as was read
	Most int64
}

// Error implements error.
func (e *TooLongError) Error() string {
	return fmt.Sprintf("it has more than the %d bytes that are read of such a file", e.Most)
}

// ReadAll gives the whole of a file that has just been opened, of at most so many bytes.
// The error for a longer one wraps *TooLongError; it is found before anything is read
// where the file tells its size. A small file takes one call, as most of them are.
func (f *File) ReadAll(most int64) ([]byte, error) {
	head, err := ask(f, "read", func() (head, error) { return readHead(f.handle, most) })
	if err == nil && !head.whole {
		head.data, err = f.readOn(head, most)
	}
	if err == nil && int64(len(head.data)) > most {
		err = &TooLongError{int64(len(head.data)), most}
	}
	if long := (*TooLongError)(nil); errors.As(err, &long) {
		err = &fs.PathError{Op: "read", Path: f.place, Err: long}
	}
	if err != nil {
		return nil, err
	}
	return head.data, nil
}

// head is the beginning of a file.
type head struct {
	data  []byte
	size  int64 // that the file tells; those of the kernel tell none
	whole bool
}

// readHead reads at most a piece, into memory that it keeps when it is left.
func readHead(from handle, most int64) (head, error) {
	info, err := from.Stat()
	if err != nil {
		return head{}, err
	}
	if info.Size() > most {
		return head{}, &TooLongError{info.Size(), most}
	}
	h := head{data: make([]byte, 0, min(info.Size()+bytes.MinRead, piece)), size: info.Size()}
	for len(h.data) < cap(h.data) {
		n, err := from.Read(h.data[len(h.data):cap(h.data)])
		h.data = h.data[:len(h.data)+n]
		if errors.Is(err, io.EOF) {
			h.whole = true
			return h, nil
		}
		if err != nil {
			return h, err
		}
	}
	return h, nil
}

// readOn reads what follows the head, up to one byte more than is allowed, with room for
// the read that finds the end.
func (f *File) readOn(h head, most int64) ([]byte, error) {
	data := append(make([]byte, 0, max(h.size, int64(len(h.data)))+bytes.MinRead), h.data...)
	for int64(len(data)) <= most {
		data = slices.Grow(data, 1)
		n, err := f.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if errors.Is(err, io.EOF) {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return data, nil
}
