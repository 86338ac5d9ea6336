package archive

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Packing is how a file is packed, by its first bytes; None is any other file.
type Packing string

const (
	None  Packing = ""
	Gzip  Packing = "gzip"
	Zstd  Packing = "zstd"
	Bzip2 Packing = "bzip2"
	XZ    Packing = "xz"
	Zip   Packing = "zip"
)

var magic = []struct {
	packing Packing
	bytes   string
}{
	{Gzip, "\x1f\x8b"}, {Zstd, "\x28\xb5\x2f\xfd"}, {Bzip2, "BZh"}, {XZ, "\xfd7zXZ\x00"}, {Zip, "PK\x03\x04"},
}

// PackingOf names how a file is packed that begins with head.
func PackingOf(head []byte) Packing {
	for _, m := range magic {
		if bytes.HasPrefix(head, []byte(m.bytes)) {
			return m.packing
		}
	}
	return None
}

// window bounds what unpacking holds in memory.
const window = 128 << 20

// Unpack gives what a stream holds that is packed in any way but Zip. It takes no more
// memory than it needs for a window of 128 MiB, whatever the stream asks for. Close the
// reader.
func Unpack(packing Packing, packed io.Reader) (io.ReadCloser, error) {
	buffered := bufio.NewReaderSize(packed, 1<<20)
	switch packing {
	case Gzip:
		return gzip.NewReader(buffered)
	case Zstd:
		decoder, err := zstd.NewReader(buffered, zstd.WithDecoderMaxWindow(window), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return decoder.IOReadCloser(), nil
	case Bzip2:
		return io.NopCloser(bzip2.NewReader(buffered)), nil
	case XZ:
		return openXZ(buffered)
	}
	return nil, fmt.Errorf("packing %q cannot be unpacked as a stream", packing)
}

// IsTar reports whether a file begins as tar has it since 1988.
func IsTar(head []byte) bool {
	const at, magic = 257, "ustar"
	return len(head) >= at+len(magic) && string(head[at:at+len(magic)]) == magic
}
