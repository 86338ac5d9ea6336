package archive

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"
)

// What the reader of xz unpacks, the check in front of it passes.
func FuzzCheckXZ(f *testing.F) {
	for _, size := range []int{0, 1, 100, 70_000} {
		var to bytes.Buffer
		w, err := xz.WriterConfig{DictCap: 1 << 16, BlockSize: 4096}.NewWriter(&to)
		if err != nil {
			f.Fatal(err)
		}
		for i := range size {
			_, _ = w.Write([]byte{byte(i * i >> 3)})
		}
		_ = w.Close()
		f.Add(to.Bytes())
		f.Add(append(append(to.Bytes(), 0, 0, 0, 0), to.Bytes()...))
		f.Add(append(to.Bytes(), "\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4Fd\x00!\x01\xf0"...)) // and a bad header, cut off
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checked := checkXZ(bufio.NewReader(bytes.NewReader(data)), io.Discard)
		if checked != nil && strings.Contains(checked.Error(), "of memory") {
			return
		}
		reader, err := xz.NewReader(bytes.NewReader(data))
		if err != nil {
			return
		}
		want, err := io.ReadAll(reader)
		// The reader takes headers alone, cut off anywhere, for a whole file.
		if err == nil && len(want) > 0 && checked != nil && !errors.Is(checked, io.ErrUnexpectedEOF) {
			t.Errorf("%v", checked)
		}
		guarded, openErr := openXZ(bufio.NewReader(bytes.NewReader(data)))
		if err != nil || checked != nil {
			if openErr == nil {
				_ = guarded.Close() // ends the walk wherever it is
			}
			return
		}
		if openErr != nil {
			t.Fatalf("%v", openErr)
		}
		defer guarded.Close()
		if got, err := io.ReadAll(guarded); err != nil || !bytes.Equal(got, want) {
			t.Errorf("got %d bytes behind the walk, %v, want %d", len(got), err, len(want))
		}
	})
}
