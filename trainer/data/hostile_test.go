package data

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
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
		_, err := unpacked(t.Context(), path, t.TempDir())
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

// zeros gives that many bytes of them.
func zeros(n int64) io.Reader { return io.LimitReader(endless{}, n) }

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// packedZeros writes a bomb: a small file that unpacks to n zeros.
func packedZeros(t *testing.T, path string, n int64, open func(io.Writer) (io.WriteCloser, error)) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	packer, err := open(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(packer, zeros(n)); err != nil {
		t.Fatal(err)
	}
	if err := packer.Close(); err != nil {
		t.Fatal(err)
	}
}

var bombPackers = map[string]func(io.Writer) (io.WriteCloser, error){
	"gzip": func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.BestSpeed) },
	"zstd": func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) },
	"zip":  newZipBomb,
}

// zipBomb is an archive of one member.
type zipBomb struct {
	io.Writer
	archive *zip.Writer
}

func newZipBomb(w io.Writer) (io.WriteCloser, error) {
	archive := zip.NewWriter(w)
	member, err := archive.Create("a.png")
	return zipBomb{member, archive}, err
}

func (b zipBomb) Close() error { return b.archive.Close() }

// A shard that unpacks to very much more than it has filled the disk up to the last GB,
// and nothing could stop it.
func TestBombsAreNotUnpacked(t *testing.T) {
	for name, open := range bombPackers {
		bomb := filepath.Join(t.TempDir(), "bomb")
		packedZeros(t, bomb, 2*slack, open)
		cache := t.TempDir()
		_, err := unpacked(t.Context(), bomb, cache)
		if err == nil || !strings.Contains(err.Error(), "100 times what is packed") {
			t.Errorf("%s: %v", name, err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("stopped"))
		if _, err := unpacked(ctx, bomb, cache); !errors.Is(err, context.Canceled) {
			t.Errorf("%s, stopped: %v", name, err)
		}
		if left, err := filepath.Glob(filepath.Join(cache, "shards", "*")); err != nil || len(left) > 0 {
			t.Errorf("%s: %v stay in the cache, %v", name, left, err)
		}
	}
}

// withHoles turns the header of a member that is all holes but for its beginning into
// one of GNU tar's kind for that.
func withHoles(header []byte, stored, size int64) {
	header[156] = tar.TypeGNUSparse
	for at, number := range map[int]int64{124: stored, 386: 0, 398: stored, 483: size} {
		copy(header[at:], fmt.Sprintf("%011o\x00", number))
	}
	copy(header[148:], "        ")
	sum := 0
	for _, b := range header[:512] {
		sum += int(b)
	}
	copy(header[148:], fmt.Sprintf("%06o\x00 ", sum))
}

// A member with holes is longer than what the archive holds of it: the shard is whole
// all the same, and a picture with holes is told.
func TestMembersWithHoles(t *testing.T) {
	for member, want := range map[string]string{"a.json": "", "b.png": "stored with holes"} {
		var content bytes.Buffer
		writer := tar.NewWriter(&content)
		for _, name := range []string{"a.png", member} {
			header := &tar.Header{Name: name, Mode: 0o600, Size: 3, Typeflag: tar.TypeReg, Format: tar.FormatGNU}
			if err := writer.WriteHeader(header); err != nil {
				t.Fatal(err)
			}
			if _, err := writer.Write([]byte("{} ")); err != nil {
				t.Fatal(err)
			}
		}
		if err := writer.Close(); err != nil {
			t.Fatal(err)
		}
		withHoles(content.Bytes()[1024:], 3, 4<<20)
		path := filepath.Join(t.TempDir(), "shard.tar")
		if err := os.WriteFile(path, content.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		set, err := Collect(t.Context(), Shards{Paths: []string{path}})
		if err != nil {
			t.Errorf("%s: %v", member, err)
			continue
		}
		if len(set.Pictures) != 1 || want != "" && (len(set.Problems) != 1 || !strings.Contains(set.Problems[0].Err.Error(), want)) {
			t.Errorf("%s: %d pictures, %v", member, len(set.Pictures), set.Problems)
		}
	}
}
