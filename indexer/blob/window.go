package blob

import (
	"errors"
	"io"
)

// windowBytes are read at once: a request to a bucket takes as long for a few bytes.
const windowBytes = 1 << 20

// Window reads a file anywhere, and keeps in memory what lies around the last place that
// was read. One goroutine at a time may use it.
type Window struct {
	file Reader
	at   int64 // where data begins
	data []byte
	next int64 // where Read goes on
}

// NewWindow reads a file, which nobody else may read meanwhile.
func NewWindow(file Reader) *Window { return &Window{file: file} }

// ReadAt implements io.ReaderAt.
func (w *Window) ReadAt(into []byte, at int64) (n int, err error) {
	if at < 0 {
		return 0, errors.New("read before the beginning")
	}
	for n < len(into) {
		if at+int64(n) >= w.file.Size() {
			return n, io.EOF
		}
		if err := w.show(at + int64(n)); err != nil {
			return n, err
		}
		n += copy(into[n:], w.data[at+int64(n)-w.at:])
	}
	return n, nil
}

// show makes the window hold a place of the file.
func (w *Window) show(at int64) error {
	if at >= w.at && at < w.at+int64(len(w.data)) {
		return nil
	}
	begin := at - at%windowBytes
	if _, err := w.file.Seek(begin, io.SeekStart); err != nil {
		return err
	}
	data := make([]byte, min(windowBytes, w.file.Size()-begin))
	if _, err := io.ReadFull(w.file, data); err != nil {
		return err
	}
	w.at, w.data = begin, data
	return nil
}

// Read implements io.Reader.
func (w *Window) Read(into []byte) (n int, err error) {
	n, err = w.ReadAt(into, w.next)
	w.next += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// Seek implements io.Seeker.
func (w *Window) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += w.next
	case io.SeekEnd:
		offset += w.file.Size()
	}
	if offset < 0 {
		return 0, errors.New("seek before the beginning")
	}
	w.next = offset
	return offset, nil
}
