package data

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"
)

// An xz file says how much memory it takes to unpack, in every block of its own.
func TestXZOfLargeDictionary(t *testing.T) {
	packed := func(dictionary int) []byte {
		var to bytes.Buffer
		w, err := xz.WriterConfig{DictCap: dictionary, BlockSize: 4096}.NewWriter(&to)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(bytes.Repeat([]byte("a tar file of some kind "), 1000)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return to.Bytes()
	}
	small, large := packed(8<<20), packed(512<<20)
	for name, tt := range map[string]struct {
		data []byte
		says string
	}{
		"small":              {small, ""},
		"several streams":    {append(append(bytes.Clone(small), 0, 0, 0, 0), small...), ""},
		"large":              {large, "of memory"},
		"large in the end":   {append(bytes.Clone(small), large...), "of memory"},
		"large after zeros":  {append(append(bytes.Clone(small), 0, 0, 0, 0), large...), "of memory"},
		"cut off":            {small[:len(small)-9], "EOF"},
		"cut off in a block": {small[:200], "EOF"},
		"junk behind it":     {append(bytes.Clone(small), "junk of some length"...), "xz"},
	} {
		path := filepath.Join(t.TempDir(), "shard.tar.xz")
		if err := os.WriteFile(path, tt.data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := unpacked(path, t.TempDir())
		if tt.says == "" && err != nil || tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

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
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checked := checkXZ(bufio.NewReader(bytes.NewReader(data)))
		if checked != nil && strings.Contains(checked.Error(), "of memory") {
			return
		}
		reader, err := xz.NewReader(bytes.NewReader(data))
		if err != nil {
			return
		}
		n, err := io.Copy(io.Discard, reader)
		// The reader takes headers alone, cut off anywhere, for a whole file.
		if err == nil && n > 0 && checked != nil && !errors.Is(checked, io.ErrUnexpectedEOF) {
			t.Errorf("%v", checked)
		}
	})
}
