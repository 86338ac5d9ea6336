package outside

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// arena gives memory for one request. What it has goes back to the system at once, so
// that a child that waits is small.
type arena struct {
	shared []byte // with the parent, for what is asked for first and fits
	pieces [][]byte
}

func (a *arena) allocate(bytes int) ([]byte, error) {
	if bytes <= 0 {
		return nil, nil
	}
	if bytes <= len(a.shared) {
		piece := a.shared[:bytes]
		a.shared = nil
		return piece, nil
	}
	piece, err := unix.Mmap(-1, 0, bytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("%w: no %d MiB are left", ErrMemory, bytes>>20)
	}
	a.pieces = append(a.pieces, piece)
	return piece, nil
}

func (a *arena) free() {
	for _, piece := range a.pieces {
		_ = unix.Munmap(piece) // fails only for what is not mapped
	}
	a.pieces = nil
}
