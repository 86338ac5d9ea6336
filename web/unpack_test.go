package web

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"testing"
)

// TestUnpackingEnds: a body that unpacks to far more than its size is refused before it
// fills a disk, and an ordinary one is not.
func TestUnpackingEnds(t *testing.T) {
	for bytesOf, want := range map[int64]error{freeBytes / 4: nil, 2 * freeBytes: errCompressed} {
		var packed bytes.Buffer
		writer, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
		if err != nil {
			t.Fatal(err)
		}
		zeros := bytes.Repeat([]byte("\n"), 1<<20)
		for range bytesOf >> 20 {
			_, _ = writer.Write(zeros)
		}
		_ = writer.Close()
		lines, end, err := decompressed(&packed, "gzip")
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, lines)
		end()
		if !errors.Is(err, want) || n > bytesOf {
			t.Errorf("%d bytes of %d, then %v, want %v", n, bytesOf, err, want)
		}
	}
}
