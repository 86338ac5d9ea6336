package backup

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const someSum = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func writeManifest(t testing.TB, header Header, files []File) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := newManifest(&out, header)
	for _, file := range files {
		if err == nil {
			err = w.add(file)
		}
	}
	if err == nil {
		err = w.end()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func someFiles() []File {
	return []File{{"catalogue.db", someSum, 7}, {"models/a/b.onnx", someSum, 7}, {"pictures/contents/01/" + someSum, someSum, 0}, {"model.json", someSum, 1}}
}

// TestManifest: what is written is read, and nothing else is.
func TestManifest(t *testing.T) {
	header := Header{Format: format, Program: "test", Moment: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
	whole := writeManifest(t, header, someFiles())
	var files []File
	got, err := readManifest(bytes.NewReader(whole), func(file File) error { files = append(files, file); return nil })
	if err != nil || got != header || !slices.Equal(files, someFiles()) {
		t.Errorf("read %+v with %+v, %v", got, files, err)
	}
	none := func(File) error { return nil }
	for end := range whole { // cut off anywhere, also between lines
		if end == len(whole)-1 {
			continue // only the last line break
		}
		if _, err := readManifest(bytes.NewReader(whole[:end]), none); err == nil {
			t.Errorf("cut off after %d of %d bytes it is read", end, len(whole))
		}
	}
	for at := range whole[:len(whole)-1] {
		flipped := bytes.Clone(whole)
		flipped[at] ^= 1
		if _, err := readManifest(bytes.NewReader(flipped), none); err == nil {
			t.Errorf("with another bit in byte %d, %q, it is read", at, whole[max(0, at-20):at+1])
		}
	}
	if _, err := readManifest(bytes.NewReader(append(whole, whole...)), none); err == nil {
		t.Error("with more behind it, it is read")
	}
	newer := writeManifest(t, Header{Format: format + 1, Program: "v9"}, nil)
	if _, err := readManifest(bytes.NewReader(newer), none); err == nil || !strings.Contains(err.Error(), "v9") {
		t.Errorf("a later format: %v", err)
	}
}

// TestHostileManifest: no manifest leads out of the data folder, or to what is not its.
func TestHostileManifest(t *testing.T) {
	for _, path := range []string{
		"", ".", "..", "/etc/passwd", "../catalogue.db", "models/../../x", "models/..", "models/", "models//x", "models/./x", "pictures/../catalogue.db",
		"serve.json", "lock", "restoring", "milvus/x", "catalogue.db/x", "catalogue.db-wal", `models\..\..\x`, "models/a\x00b", "pictures", "Catalogue.db",
	} {
		text := writeManifest(t, Header{Format: format}, []File{{path, someSum, 1}})
		if _, err := readManifest(bytes.NewReader(text), func(File) error { return nil }); err == nil {
			t.Errorf("the file %q is accepted", path)
		}
	}
	for _, file := range []File{{"model.json", "x", 1}, {"model.json", someSum, -1}, {"model.json", strings.ToUpper(someSum), 1}, {"model.json", "../" + someSum[3:], 1}} {
		text := writeManifest(t, Header{Format: format}, []File{file})
		if _, err := readManifest(bytes.NewReader(text), func(File) error { return nil }); err == nil {
			t.Errorf("%+v is accepted", file)
		}
	}
}

// FuzzManifest: whatever is accepted stays in the data folder, and says the same when it is
// written again.
func FuzzManifest(f *testing.F) {
	f.Add(writeManifest(f, Header{Format: format}, someFiles()))
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var files []File
		header, err := readManifest(bytes.NewReader(text), func(file File) error {
			if !filepath.IsLocal(file.Path) || !isSum(file.SHA256) || file.Size < 0 {
				t.Errorf("accepted %+v", file)
			}
			files = append(files, file)
			return nil
		})
		if err != nil {
			return
		}
		var again []File
		same, err := readManifest(bytes.NewReader(writeManifest(t, header, files)), func(file File) error { again = append(again, file); return nil })
		if err != nil || !same.Moment.Equal(header.Moment) || same.Postgres != header.Postgres || !slices.Equal(again, files) {
			t.Errorf("%+v with %+v becomes %+v with %+v, %v", header, files, same, again, err)
		}
	})
}
