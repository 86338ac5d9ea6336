package indexer

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"polylens/indexer/catalog"
)

// FuzzParseLine: whatever a line holds, it is refused with a reason, or it is a document
// that has what its operation needs.
func FuzzParseLine(f *testing.F) {
	for _, line := range []string{
		`{"op":"upsert","id":"a","data":"aGk=","metadata":{"a":1},"captions":{"de":"x"}}`, `{"id":"a","url":"https://example.org"}`,
		`{"op":"patch","id":"a","metadata":null}`, `{"op":"delete","id":"a"}`, `{"op":"delete","id":"a"} {}`, `{"data":"data:image/png;base64,aGk"}`,
		`{"data":"data:,hi"}`, `{"data":"_-8"}`, `{"id":7}`, `!{"id":"a","detail":"b"}`, `!`, `[]`, `null`, ``, `{"sha256":"AB","path":"/a"}`, `{"upload":"x"}`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		document, err := parseLine(line)
		if err != nil {
			if !errors.Is(err, catalog.ErrInvalid) && !errors.Is(err, catalog.ErrPicture) {
				t.Fatalf("%q is refused with %v, which would end the job", line, err)
			}
			return
		}
		pictures := 0
		for _, given := range []bool{document.Data != nil, document.SHA256 != "", document.URL != "", document.Path != "", document.Key != "", document.Upload != ""} {
			if given {
				pictures++
			}
		}
		if want := map[bool]int{true: 1, false: 0}[document.Operation == catalog.OperationUpsert]; pictures != want {
			t.Errorf("%q has %d pictures, want %d", line, pictures, want)
		}
	})
}

// TestReadLine: lines end in every way, and one that is too long does not grow.
func TestReadLine(t *testing.T) {
	long := strings.Repeat("x", maxLine+5000)
	lines := bufio.NewReaderSize(strings.NewReader("a\r\n\n b \n"+long+"\nlast"), 1<<16)
	var got []string
	for {
		text, err := readLine(lines)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(text[:min(len(text), 8)]))
		if bytes.HasPrefix(text, []byte("xx")) && len(text) > 2048 {
			t.Errorf("a line of %d bytes is kept", len(text))
		}
	}
	if want := []string{"a", "", " b", "xxxxxxxx", "last"}; strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got %q, want %q", got, want)
	}
}
