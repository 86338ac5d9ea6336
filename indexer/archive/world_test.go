package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

type file struct{ name, content string }

func tarOf(t testing.TB, files ...file) []byte {
	t.Helper()
	var headers []tar.Header
	for _, f := range files {
		header := tar.Header{Name: f.name, Mode: 0o600, Size: int64(len(f.content)), Typeflag: tar.TypeReg}
		if strings.HasSuffix(f.name, "/") {
			header.Typeflag = tar.TypeDir
		}
		headers = append(headers, header)
	}
	return tarWith(t, headers, files)
}

func tarWith(t testing.TB, headers []tar.Header, files []file) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for i := range headers {
		if err := w.WriteHeader(&headers[i]); err != nil {
			t.Fatal(err)
		}
		if headers[i].Typeflag == tar.TypeReg {
			if _, err := io.WriteString(w, files[i].content); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zipOf(t testing.TB, files ...file) []byte {
	t.Helper()
	var headers []zip.FileHeader
	for _, f := range files {
		headers = append(headers, zip.FileHeader{Name: f.name, Method: zip.Deflate})
	}
	return zipWith(t, headers, files)
}

func zipWith(t testing.TB, headers []zip.FileHeader, files []file) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for i := range headers {
		to, err := w.CreateHeader(&headers[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(to, files[i].content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func packedBy(t testing.TB, content []byte, packing Packing) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	switch packing {
	case Gzip:
		w = gzip.NewWriter(&out)
	case Zstd:
		w, err = zstd.NewWriter(&out)
	case XZ:
		w, err = xz.NewWriter(&out)
	default:
		t.Fatalf("no packer for %q", packing)
	}
	if err == nil {
		_, err = w.Write(content)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// stream hides that a reader can do more than read.
type stream struct{ io.Reader }

// read collects the entries of an archive. What they are is checked for all tests.
func read(t testing.TB, content io.Reader, limits Limits) ([]Entry, Summary, error) {
	t.Helper()
	var entries []Entry
	summary, err := Read(context.Background(), content, limits, func(e Entry) error {
		entries = append(entries, e)
		return nil
	})
	checkEntries(t, entries, summary)
	return entries, summary, err
}

func checkEntries(t testing.TB, entries []Entry, summary Summary) {
	t.Helper()
	met, problems := map[string]bool{}, 0
	for _, e := range entries {
		if (e.Problem == nil) != (len(e.Data) > 0) {
			t.Errorf("entry %q has %d bytes, problem %v", e.ID, len(e.Data), e.Problem)
		}
		if _, err := cleanName(e.ID); e.Problem == nil && err != nil || e.ID == "" || len(e.ID) > maxID {
			t.Errorf("ID %q: %v", e.ID, err)
		}
		if e.Problem != nil {
			problems++
			continue
		}
		if met[e.ID] {
			t.Errorf("two pictures have the ID %q", e.ID)
		}
		met[e.ID] = true
	}
	if summary.Pictures != len(met) || summary.Problems != problems {
		t.Errorf("the summary has %+v of %d pictures and %d problems", summary, len(met), problems)
	}
}

// told is what entries say, for comparisons.
func told(entries []Entry) []string {
	var list []string
	for _, e := range entries {
		text := e.ID + "=" + string(e.Data)
		for _, c := range e.Captions {
			text += fmt.Sprintf(" [%s]%s", c.Language, c.Text)
		}
		if len(e.Metadata) > 0 {
			text += fmt.Sprint(" ", e.Metadata)
		}
		for _, w := range e.Warnings {
			text += " warning: " + w.Error()
		}
		if e.Problem != nil {
			text = e.ID + ": " + e.Problem.Error()
		}
		list = append(list, text)
	}
	return list
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }
