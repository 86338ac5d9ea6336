package indexer

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"polylens/internal/ordinary"
)

// pieceBytes is how much of a file is looked at before any of it is given.
const pieceBytes = 256 << 10

// pieceSum is the SHA-256 of a piece.
type pieceSum [sha256.Size]byte

// verified gives what a file held when its pieces were summed up, and nothing else:
// whoever writes to the file meanwhile makes reading fail with catalog.ErrChanged before
// one of those bytes is given. It holds one piece in memory.
type verified struct {
	file   *ordinary.File
	size   int64
	pieces []pieceSum
	at     int64 // where to read next
	held   int64 // number of the piece in memory, from 1; 0 for none
	piece  []byte
}

// Read implements io.Reader.
func (v *verified) Read(p []byte) (int, error) {
	if v.at >= v.size {
		return 0, io.EOF
	}
	if err := v.hold(v.at / pieceBytes); err != nil {
		return 0, err
	}
	n := copy(p, v.piece[v.at%pieceBytes:])
	v.at += int64(n)
	return n, nil
}

// hold reads a piece, counted from 0, and looks at it.
func (v *verified) hold(number int64) error {
	if v.held == number+1 {
		return nil
	}
	v.held = 0
	begin := number * pieceBytes
	length := min(pieceBytes, v.size-begin)
	if v.piece == nil {
		v.piece = make([]byte, min(pieceBytes, v.size))
	}
	v.piece = v.piece[:length]
	n, err := v.file.ReadAt(v.piece, begin)
	switch {
	case int64(n) < length && errors.Is(err, io.EOF):
		return errChanged // it was cut off
	case int64(n) < length:
		return err
	case sha256.Sum256(v.piece) != v.pieces[number]:
		return errChanged
	}
	v.held = number + 1
	return nil
}

// Seek implements io.Seeker.
func (v *verified) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += v.at
	case io.SeekEnd:
		offset += v.size
	}
	if offset < 0 {
		return 0, fmt.Errorf("seek to %d: %w", offset, fs.ErrInvalid)
	}
	v.at = offset
	return offset, nil
}

// Close implements io.Closer.
func (v *verified) Close() error { return v.file.Close() }
