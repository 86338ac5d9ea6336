package indexer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"polylens/indexer/catalog"
)

// spoil changes some bytes of a file where it lies, as another program would.
func spoil(t *testing.T, path string, at int64) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteAt([]byte("SPOILED"), at)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}

// large is a picture of several pieces, and some bytes.
func large(t *testing.T) []byte {
	t.Helper()
	data := bytes.Clone(wide(t))
	for i := len(data); i < 3*pieceBytes+1000; i++ { // behind the last block nothing counts
		data = append(data, byte(i*31>>4))
	}
	return data
}

// opened is the original of a new collection's only picture.
func opened(t *testing.T, data []byte) (*Original, string) {
	t.Helper()
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": data})
	b.run(t)
	original, err := b.pictures(t).Original(t.Context(), "c", b.image(t, "a.png").ID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { original.Close() })
	return original, filepath.Join(b.folder, "a.png")
}

// TestOverwrittenWhileSent: whatever is written to the file of an original that is
// open, none of it is given, and reading fails instead of ending.
func TestOverwrittenWhileSent(t *testing.T) {
	data := large(t)
	for label, test := range map[string]struct {
		read  int64 // before the file is changed
		spoil func(path string)
		least int // bytes that are given all the same
	}{
		"behind what was sent":  {pieceBytes + 10, func(path string) { spoil(t, path, 2*pieceBytes+5) }, 2 * pieceBytes},
		"before anything":       {0, func(path string) { spoil(t, path, pieceBytes) }, pieceBytes},
		"at the end":            {0, func(path string) { spoil(t, path, int64(len(data)-7)) }, 3 * pieceBytes},
		"cut off":               {10, func(path string) { truncate(t, path, pieceBytes+3) }, pieceBytes},
		"emptied":               {pieceBytes, func(path string) { truncate(t, path, 0) }, pieceBytes},
		"cut off and made anew": {10, func(path string) { truncate(t, path, 0); truncate(t, path, int64(len(data))) }, pieceBytes},
	} {
		t.Run(label, func(t *testing.T) {
			original, path := opened(t, data)
			got, err := io.ReadAll(io.LimitReader(original, test.read))
			if err != nil {
				t.Fatal(err)
			}
			test.spoil(path)
			rest, err := io.ReadAll(original)
			got = append(got, rest...)
			if !errors.Is(err, catalog.ErrChanged) || !bytes.HasPrefix(data, got) || len(got) < test.least {
				t.Errorf("%d bytes, of which all were indexed: %v; %v", len(got), bytes.HasPrefix(data, got), err)
			}
		})
	}
}

func truncate(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

// TestOpenStaysWhatItWas: what is longer now, or lies elsewhere, is sent as it was
// indexed, and any part of it.
func TestOpenStaysWhatItWas(t *testing.T) {
	data := large(t)
	original, path := opened(t, data)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteString("and more")
	if err := errors.Join(err, file.Close(), os.Rename(path, path+".old"), os.WriteFile(path, []byte("other"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, part := range [][2]int{{0, len(data)}, {pieceBytes - 3, 6}, {len(data) - 5, 5}, {5, 2}} {
		if at, err := original.Seek(int64(part[0]), io.SeekStart); at != int64(part[0]) || err != nil {
			t.Fatal(at, err)
		}
		got := make([]byte, part[1])
		if _, err := io.ReadFull(original, got); err != nil || !bytes.Equal(got, data[part[0]:part[0]+part[1]]) {
			t.Errorf("%v: %v", part, err)
		}
	}
	if end, err := original.Seek(0, io.SeekEnd); end != int64(len(data)) || err != nil {
		t.Errorf("it ends at %d, %v", end, err)
	}
	if n, err := original.Read(make([]byte, 3)); n != 0 || err != io.EOF {
		t.Errorf("behind the end: %d, %v", n, err)
	}
	if _, err := original.Seek(-1, io.SeekStart); err == nil {
		t.Error("there is a place before the beginning")
	}
}

// TestOverwrittenAnswer: over HTTP such an answer breaks off, so that nobody takes it
// for whole; a part that was not changed arrives, and so does what HEAD asks for.
func TestOverwrittenAnswer(t *testing.T) {
	data := large(t)
	original, path := opened(t, data)
	spoil(t, path, 2*pieceBytes+100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, original)
	}))
	defer server.Close()
	for _, test := range []struct {
		method, part string
		want         []byte
		whole        bool
	}{
		{http.MethodHead, "", nil, true},
		{http.MethodGet, "bytes=1000-300000", data[1000:300001], true},
		{http.MethodGet, "", data[:2*pieceBytes], false},
		{http.MethodGet, "bytes=524388-524390", nil, false},
	} {
		request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), test.method, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if test.part != "" {
			request.Header.Set("Range", test.part)
		}
		response, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(response.Body)
		response.Body.Close()
		if !bytes.Equal(got, test.want) || (err == nil) != test.whole {
			t.Errorf("%s %s: %d bytes, %v", test.method, test.part, len(got), err)
		}
	}
}
