package web

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"
)

var errCompressed = errors.New("the body cannot be decompressed")

// decompressed reads what a body holds.
func decompressed(body io.Reader, encoding string) (lines io.Reader, end func(), err error) {
	packed := &packedBody{Reader: body}
	switch encoding {
	case "", "identity":
		return body, func() {}, nil
	case "gzip":
		reader, err := gzip.NewReader(packed)
		if err != nil {
			return nil, nil, newProblem(kindUnreadable, fmt.Sprintf("%v: %v", errCompressed, err))
		}
		return &unpacked{Reader: reader, packed: packed}, func() { _ = reader.Close() }, nil
	case "zstd":
		reader, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, nil, newProblem(kindUnreadable, fmt.Sprintf("%v: %v", errCompressed, err))
		}
		return &unpacked{Reader: reader, packed: packed}, reader.Close, nil
	}
	return nil, nil, newProblem(kindEncoding, fmt.Sprintf("Content-Encoding %.40q is not known; use gzip, zstd or none", encoding))
}

// packedBody counts what was read of it.
type packedBody struct {
	io.Reader
	bytes atomic.Int64 // who decompresses may read ahead
}

// Read implements io.Reader.
func (p *packedBody) Read(into []byte) (int, error) {
	n, err := p.Reader.Read(into)
	p.bytes.Add(int64(n))
	return n, err
}

// Lines of JSON repeat themselves, but not endlessly: what unpacks to more than mostRatio
// times its size, beyond its first freeBytes, is meant to fill a disk.
const (
	mostRatio = 200
	freeBytes = 256 << 20
)

// unpacked marks the errors of what decompresses, and ends what unpacks to too much.
type unpacked struct {
	io.Reader
	packed *packedBody
	bytes  int64
}

// Read implements io.Reader.
func (u *unpacked) Read(into []byte) (int, error) {
	n, err := u.Reader.Read(into)
	u.bytes += int64(n)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		err = fmt.Errorf("%w: %w", errCompressed, err)
	case u.bytes > freeBytes+mostRatio*u.packed.bytes.Load():
		err = fmt.Errorf("%w: it unpacks to more than %d times its size", errCompressed, mostRatio)
	}
	return n, err
}
