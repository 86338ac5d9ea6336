package data

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// sample4 is a shard of four samples.
func sample4(t testing.TB) string {
	var members []member
	for _, key := range []string{"0", "1", "2", "3"} {
		members = append(members, member{key + ".jpg", "picture " + key}, member{key + ".txt", "text " + key})
	}
	return tarOf(t, members...)
}

func packedWith(t testing.TB, content string, open func(io.Writer) (io.WriteCloser, error)) string {
	t.Helper()
	var out bytes.Buffer
	w, err := open(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func zipped(t testing.TB, content string) string {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for r := tar.NewReader(strings.NewReader(content)); ; {
		header, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		to, err := w.Create(header.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(to, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestPackedShards: what a shard is comes from its bytes, whatever its name.
func TestPackedShards(t *testing.T) {
	plain := sample4(t)
	gz := packedWith(t, plain, func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil })
	for name, content := range map[string]string{
		"0.tar": plain, "shard": plain, "0.tar.gz": gz, "0.tgz": gz, "gzip called.tar": gz, "0.csv": gz,
		"0.tar.zst": packedWith(t, plain, func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }),
		"0.tar.xz":  packedWith(t, plain, func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) }),
		"0.zip":     zipped(t, plain),
	} {
		cache := t.TempDir()
		path := write(t, name, content)
		source, err := Open(t.Context(), path, ReadOptions{Cache: cache})
		if err != nil {
			t.Fatal(err)
		}
		records, problems, err := read(t, source)
		if err != nil || len(problems) > 0 || len(records) != 4 {
			t.Errorf("%s: %d records, problems %q, error %v", name, len(records), problems, err)
			continue
		}
		files := NewFiles(FileOptions{Cache: cache})
		defer files.Close()
		for i, r := range records {
			key := string(rune('0' + i))
			content, err := files.Bytes(t.Context(), r.Picture)
			if err != nil || string(content) != "picture "+key || r.Captions[0].Text != "text "+key || r.Picture.URI != fileURI(path) {
				t.Errorf("%s: record %d is %+v with bytes %q, %v", name, i, r, content, err)
			}
		}
	}
}

// TestCutShards: a shard that is cut is an error that names it and says how far it is
// good, wherever the cut is.
func TestCutShards(t *testing.T) {
	whole := sample4(t)
	const end = 8 * 1024 // of the last member
	for n := 1; n < end+512; n += 127 {
		path := write(t, "0.tar", whole[:n])
		_, _, err := read(t, Shards{Paths: []string{path}})
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Fatalf("cut after %d bytes: %v", n, err)
		}
	}
	for _, n := range []int{end, end - 100, end - 512} { // between blocks and in padding
		_, _, err := read(t, Shards{Paths: []string{write(t, "0.tar", whole[:n])}})
		if err == nil || !strings.Contains(err.Error(), `cut off after sample "3", the last of 4`) {
			t.Errorf("cut after %d bytes: %v", n, err)
		}
	}
	if records, _, err := read(t, Shards{Paths: []string{write(t, "0.tar", whole[:end+512])}}); err != nil || len(records) != 4 {
		t.Errorf("with one empty block at its end: %d records, %v", len(records), err)
	}
	gz := packedWith(t, whole, func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil })
	cache := t.TempDir()
	path := write(t, "0.tar.gz", gz[:len(gz)/2])
	_, _, err := read(t, Shards{Paths: []string{path}, Options: ReadOptions{Cache: cache}})
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Errorf("gzip that is cut: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(cache, "shards", "*")); err != nil || len(left) > 0 {
		t.Errorf("half a shard stays in the cache: %v, %v", left, err)
	}
}

func TestShardsThatPeopleBring(t *testing.T) {
	for _, test := range []struct {
		name     string
		members  []member
		records  int
		problems []string
	}{
		{"HEIC", []member{{"0.heic", "x"}, {"0.txt", "a"}, {"1.AVIF", "x"}, {"1.txt", "b"}}, 2, nil},
		{"folders apart", []member{{"a/0.jpg", "x"}, {"a/0.txt", "a"}, {"b/0.jpg", "x"}, {"b/0.txt", "b"}, {"./0.jpg", "x"}, {"./0.txt", "c"}}, 3, nil},
		{"forks", []member{{"._0.jpg", "x"}, {"0.jpg", "x"}, {"0.txt", "a"}, {"__MACOSX/._0.jpg", "x"}}, 1,
			[]string{"2 of its members are resource forks"}},
		{"numbers that are none", []member{{"0.jpg", "x"}, {"0.json", `{"text":"not \"NaN\", a fox","score":NaN,"least":-Infinity}`}}, 1, nil},
		{"dots", []member{{"v1.0.jpg", "x"}, {"v1.0.txt", "a"}, {"v1.1.jpg", "x"}}, 1, []string{
			"what stands between that and .txt is the language", "the name of a sample ends at its first dot, so these are one sample"}},
		{"Latin-1 names", []member{{"gr\xf6\xdfer.jpg", "x"}, {"gr\xf6\xdfer.txt", "a"}}, 1, nil},
	} {
		path := write(t, "0.tar", tarOf(t, test.members...))
		records, problems, err := read(t, Shards{Paths: []string{path}})
		if err != nil || len(records) != test.records || len(problems) != len(test.problems) {
			t.Errorf("%s: %d records, problems %q, error %v", test.name, len(records), problems, err)
			continue
		}
		for i, want := range test.problems {
			if !strings.Contains(problems[i], want) {
				t.Errorf("%s: problem %q, want %q", test.name, problems[i], want)
			}
		}
		for _, r := range records {
			if len(r.Captions) == 0 && test.name != "dots" {
				t.Errorf("%s: %+v has no text", test.name, r)
			}
		}
	}
}

// FuzzZip: what a zip archive becomes is a tar file, or an error.
func FuzzZip(f *testing.F) {
	f.Add([]byte(zipped(f, sample4(f))))
	f.Fuzz(func(t *testing.T, data []byte) {
		content, err := tarOfZip(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		defer content.Close()
		flat, err := io.ReadAll(io.LimitReader(content, 1<<20))
		if err != nil || len(flat) == 1<<20 {
			return
		}
		for r := tar.NewReader(bytes.NewReader(flat)); ; {
			if _, err := r.Next(); err == io.EOF {
				return
			} else if err != nil {
				t.Fatalf("%d bytes became a tar file that cannot be read: %v", len(data), err)
			}
		}
	})
}
