package archive

import (
	"context"
	"fmt"
	"io"
)

// meter counts what is read of an archive, packed and unpacked, and ends the reading
// beyond the limits.
type meter struct {
	ctx      context.Context
	limits   Limits
	packed   int64
	unpacked int64
}

// packedReader counts what is read of the archive itself.
func (m *meter) packedReader(r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		if err := m.ctx.Err(); err != nil {
			return 0, err
		}
		n, err := r.Read(p)
		m.packed += int64(n)
		return n, err
	})
}

// unpackedReader counts what is read of its content.
func (m *meter) unpackedReader(r io.Reader, packing Packing) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		n, err := r.Read(p)
		m.unpacked += int64(n)
		if limit := m.beyond(packing); limit != nil {
			return n, limit
		}
		return n, err
	})
}

// beyond returns an error when more is unpacked than may be.
func (m *meter) beyond(packing Packing) error {
	if m.unpacked > m.limits.MaxTotal {
		return fmt.Errorf("it has more than %d bytes unpacked: %w; split it", m.limits.MaxTotal, ErrLimit)
	}
	if packing != None && m.unpacked > m.limits.RatioFrom && m.unpacked/m.limits.MaxRatio > m.packed {
		return fmt.Errorf("it unpacks to more than %d times its size, as no pictures do: %w; pack them without compression", m.limits.MaxRatio, ErrLimit)
	}
	return m.ctx.Err()
}

type readerFunc func([]byte) (int, error)

// Read implements io.Reader.
func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
