package wasm

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	_ "unsafe" // for go:linkname

	_ "github.com/gen2brain/avif"
	_ "github.com/gen2brain/heic"
)

// The two modules hold the decoders as gzipped WebAssembly and functions that
// run them, but without a bound on memory, and on a host that has libheif or
// libavif with those instead. So only their WebAssembly is used here. The
// interface to it is lib/heif.c of the one and lib/decode.c of the other: look
// there before changing a version.

//go:linkname heicBinary github.com/gen2brain/heic.heifWasm
var heicBinary []byte

//go:linkname avifBinary github.com/gen2brain/avif.decodeWasm
var avifBinary []byte

func unzip(binary []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(binary))
	if err != nil {
		return nil, fmt.Errorf("unpack the decoder: %w", err)
	}
	code, err := io.ReadAll(reader)
	if err != nil {
		return nil, fmt.Errorf("unpack the decoder: %w", err)
	}
	return code, nil
}
