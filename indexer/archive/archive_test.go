package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// shard is of three samples, as WebDataset has them.
var shard = []file{
	{"000000.jpg", "picture 0"}, {"000000.json", `{"year":2020,"caption":"a fox"}`}, {"000000.txt", "one\n two \n\n"},
	{"000001.cls", "7"}, {"000001.de.txt", "ein Hund"}, {"000001.png", "picture 1"}, {"000001.txt", "a dog"},
	{"folder/", ""}, {"folder/v1.0.webp", "picture 2"}, {"folder/v1.0.webp.json", `{"tags":["a"]}`},
	{"folder/v1.1.webp", "picture 3"}, {"folder/v1.1.txt", "next"},
}

var shardTold = []string{
	"000000.jpg=picture 0 []a fox []one []two map[year:2020]",
	"000001.png=picture 1 [de]ein Hund []a dog",
	"folder/v1.0.webp=picture 2 map[tags:[a]]",
	"folder/v1.1.webp=picture 3 []next",
}

// TestKinds: an archive of every kind gives the same, and what it is comes from its bytes.
func TestKinds(t *testing.T) {
	plain := tarOf(t, shard...)
	for name, content := range map[string]io.Reader{
		"tar": stream{bytes.NewReader(plain)}, "tar that can seek": bytes.NewReader(plain),
		"gzip": stream{bytes.NewReader(packedBy(t, plain, Gzip))}, "zstd": stream{bytes.NewReader(packedBy(t, plain, Zstd))},
		"xz": stream{bytes.NewReader(packedBy(t, plain, XZ))}, "zip": bytes.NewReader(zipOf(t, shard...)),
	} {
		entries, summary, err := read(t, content, Limits{})
		if got := told(entries); err != nil || !slices.Equal(got, shardTold) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
		if len(summary.Others) != 1 || summary.Others[".cls"] != 1 {
			t.Errorf("%s: others %v", name, summary.Others)
		}
	}
}

// TestZipOrder: what belongs together may stand anywhere in a zip archive.
func TestZipOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		mixed := slices.Clone(shard)
		random.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		entries, _, err := read(t, bytes.NewReader(zipOf(t, mixed...)), Limits{})
		if got := told(entries); err != nil || !slices.Equal(sorted(got), sorted(shardTold)) {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

// TestEntries: what becomes of members of every kind. Each is an entry or is counted.
func TestEntries(t *testing.T) {
	long := strings.Repeat("a", maxID)
	for _, test := range []struct {
		name  string
		files []file
		want  []string
	}{
		{"path out", []file{{"../a.jpg", "x"}, {"b/../../a.jpg", "x"}, {"/etc/a.jpg", "x"}, {`..\a.jpg`, "x"}, {`C:\a.jpg`, "x"}, {"c:/a.jpg", "x"}, {"b//a.jpg", "x"}, {"b/./a.jpg", "x"}, {".jpg/..", "x"}},
			slices.Repeat([]string{"leads out"}, 9)},
		{"colons", []file{{"1:1.jpg", "x"}, {"12:30.jpg", "x"}, {"ä:b.jpg", "x"}, {"C:a.jpg", "x"}, {"b/c:/a.jpg", "x"}},
			[]string{"1:1.jpg=x", "12:30.jpg=x", "ä:b.jpg=x", "leads out", "b/c:/a.jpg=x"}},
		{"names", []file{{"./a.jpg", "x"}, {`b\a.jpg`, "x"}, {"größer 狐.jpg", "x"}, {"a\nb.jpg", "x"}, {long + ".jpg", "x"}, {"a\x1b[31m.jpg", "x"}},
			[]string{"a.jpg=x", "b/a.jpg=x", "größer 狐.jpg=x", "a\uFFFDb.jpg: its name holds", "512 bytes", "a\uFFFD[31m.jpg: its name holds"}},
		{"names that are one", []file{{"a.jpg", ""}, {"a.jpg", "x"}, {"a.jpg", "y"}, {"./a.jpg", "z"}, {"A.jpg", "w"}},
			[]string{"no bytes", "a.jpg=x", "the same name", "the same name", "A.jpg=w"}},
		{"no bytes", []file{{"a.jpg", ""}}, []string{"no bytes"}},
		{"nested", []file{{"a.zip", "PK"}, {"b.tar.gz", "x"}, {"c.jpg", "x"}, {"d.rar", "x"}}, []string{"is not opened", "is not opened", "c.jpg=x", "is not opened"}},
		{"tables", []file{
			{"metadata.jsonl", `{"file_name":"a.jpg","n":1,"caption":"one"}` + "\n" + `{"file_name":"t/b.jpg","n":2,"k":1}` + "\n{}\n" + `{"file_name":"gone.jpg"}` + "\n" + `{"file_name":"t/c.jpg"}`},
			{"t/metadata.csv", "file_name,n\nb.jpg,3\n"}, {"a.jpg", "x"}, {"a.json", `{"n":5}`}, {"t/b.jpg", "y"}, {"t/c.jpg", ""}, {"u/a.jpg", "z"},
		}, []string{"metadata.jsonl: of this table of metadata: L3: it has no file_name", "a.jpg=x []one map[n:5]", "t/b.jpg=y map[k:1 n:3]", "t/c.jpg: it has no bytes", "u/a.jpg=z",
			"metadata.jsonl: 1 rows of this table of metadata name pictures that the archive does not have, such as \"gone.jpg\""}},
		{"tables of nothing", []file{{"metadata.jsonl", "\xff\xfe\xfd"}, {"metadata.parquet", "x"}, {"t/metadata.csv", "name\na.jpg\n"}},
			[]string{"metadata.jsonl: of this table", "metadata.parquet: of this table", "no column is called file_name"}},
		{"of systems", []file{{"._a.jpg", "x"}, {"__MACOSX/._a.jpg", "x"}, {".DS_Store", "x"}, {"Thumbs.db", "x"}, {"a.jpg", "x"}}, []string{"a.jpg=x"}},
		{"describes nothing", []file{{"a.json", "{}"}, {"b.jpg", "x"}, {"c.txt", "x"}}, []string{"a.json: it describes", "b.jpg=x", "c.txt: it describes"}},
		{"describes before", []file{{"a.de.txt", "ein"}, {"a.json", `{"b":1}`}, {"a.jpg", "x"}}, []string{"a.jpg=x [de]ein map[b:1]"}},
		{"a language or not", []file{{"a.final.jpg", "x"}, {"a.final.txt", "one"}, {"b.jpg", "x"}, {"b.jpg.de.txt", "zwei"}, {"b.zh-Hant.txt", "二"}},
			[]string{"a.final.jpg=x []one", "b.jpg=x [de]zwei [zh-Hant]二"}},
		{"folders apart", []file{{"a/1.jpg", "x"}, {"a/1.txt", "one"}, {"b/1.jpg", "y"}, {"b/1.txt", "two"}}, []string{"a/1.jpg=x []one", "b/1.jpg=y []two"}},
		{"two formats", []file{{"a.jpg", "x"}, {"a.png", "y"}, {"a.txt", "one"}}, []string{"a.jpg=x", "a.png=y []one"}},
		{"two jsons", []file{{"a.jpg", "x"}, {"a.jpg.json", `{"b":1}`}, {"a.json", `{"b":2}`}}, []string{`a.jpg=x map[b:1] warning: "a.json": another json`}},
		{"bad json", []file{{"a.jpg", "x"}, {"a.json", `{"b":`}}, []string{`a.jpg=x warning: "a.json": it is not a JSON object`}},
		{"half a json", []file{{"a.jpg", "x"}, {"a.json", `{"b":NaN,"tags":7}`}}, []string{`a.jpg=x map[b:<nil>] warning`}},
		{"bad text", []file{{"a.jpg", "x"}, {"a.txt", "\xff\xfe\xfd"}}, []string{`a.jpg=x warning: "a.txt"`}},
		{"UTF-16", []file{{"a.jpg", "x"}, {"a.txt", "\xff\xfea\x00"}}, []string{`a.jpg=x []a`}},
		{"large text", []file{{"a.jpg", "x"}, {"a.txt", strings.Repeat("a", 2000)}}, []string{`a.jpg=x warning: "a.txt": it has more than 1000 bytes`}},
		{"large picture", []file{{"a.jpg", strings.Repeat("a", 10001)}, {"b.jpg", "x"}}, []string{"more than 10000 bytes", "b.jpg=x"}},
		{"just as large", []file{{"a.jpg", strings.Repeat("a", 10000)}}, []string{"a.jpg=aaa"}},
	} {
		limits := Limits{MaxBytes: 10000, MaxDescription: 1000}
		for kind, content := range map[string][]byte{"tar": tarOf(t, test.files...), "zip": zipOf(t, test.files...)} {
			entries, _, err := read(t, bytes.NewReader(content), limits)
			got, want := told(entries), test.want
			if kind == "zip" {
				if test.name == "names that are one" {
					continue // which of them is first is told by the names
				}
				got = matching(got, want)
			}
			if err != nil || len(got) != len(want) {
				t.Errorf("%s, %s: got %q, %v, want %q", test.name, kind, got, err, want)
				continue
			}
			for i := range got {
				if !strings.Contains(got[i], want[i]) {
					t.Errorf("%s, %s: got %.200q, want %q", test.name, kind, got[i], want[i])
				}
			}
		}
	}
}

// matching brings what was got into the order of what is wanted, as far as it can.
func matching(got, want []string) []string {
	left, ordered := slices.Clone(got), []string{}
	for _, w := range want {
		if i := slices.IndexFunc(left, func(g string) bool { return strings.Contains(g, w) }); i >= 0 {
			ordered, left = append(ordered, left[i]), slices.Delete(left, i, i+1)
		}
	}
	return append(ordered, left...)
}

// TestManyDescriptions: what describes one picture is bounded as well.
func TestManyDescriptions(t *testing.T) {
	files := []file{{"a.jpg", "x"}}
	for i := range 300 {
		files = append(files, file{fmt.Sprintf("a.aa-%d.txt", i), "text"})
	}
	entries, _, err := read(t, bytes.NewReader(tarOf(t, files...)), Limits{})
	if err != nil || len(entries) != 1 || len(entries[0].Captions) != 256 || !strings.Contains(entries[0].Warnings[0].Error(), "44 more members") {
		t.Errorf("got %d entries, %v", len(entries), err)
	}
	entries, _, err = read(t, bytes.NewReader(tarOf(t, files[1:]...)), Limits{})
	if err != nil || len(entries) != 256 || !strings.Contains(entries[255].Problem.Error(), "so do 44 more") {
		t.Errorf("without a picture: got %d entries, %v", len(entries), err)
	}
}

func TestMembersOfTarThatAreNoFiles(t *testing.T) {
	content := tarWith(t, []tar.Header{
		{Name: "link.jpg", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
		{Name: "hard.jpg", Typeflag: tar.TypeLink, Linkname: "../../a"},
		{Name: "pipe.jpg", Typeflag: tar.TypeFifo},
		{Name: "device.jpg", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 5},
		{Name: "folder.jpg/", Typeflag: tar.TypeDir},
		{Name: "holes.jpg", Typeflag: tar.TypeReg, Size: 1, PAXRecords: map[string]string{"SCHILY.xattr.user.a": "b"}},
		{Name: "good.txt", Typeflag: tar.TypeSymlink, Linkname: "a"},
		{Name: "good.jpg", Typeflag: tar.TypeReg, Size: 1},
	}, []file{5: {"", "x"}, 7: {"", "y"}})
	entries, _, err := read(t, bytes.NewReader(content), Limits{})
	want := []string{"link.jpg: it is a link", "hard.jpg: it is a link", "pipe.jpg: it is no ordinary file", "device.jpg: it is no ordinary file", "holes.jpg=x", `good.jpg=y warning: "good.txt": it is a link`}
	got := told(entries)
	if err != nil || len(got) != len(want) {
		t.Fatalf("got %q, %v", got, err)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
}

// TestHoles: a member with holes is longer than what the archive holds of it. It cannot
// be used, and the archive is whole all the same.
func TestHoles(t *testing.T) {
	stored := "1\n0\n3\n" + string(make([]byte, block-6)) + "abc"
	for _, name := range []string{"b.jpg", "a.txt", "c.bin"} {
		content := tarWith(t, []tar.Header{
			{Name: "a.jpg", Typeflag: tar.TypeReg, Size: 1},
			{Name: "GNUSparseFile.0/x", Typeflag: tar.TypeReg, Size: int64(len(stored)), PAXRecords: map[string]string{
				"XXX.sparse.major": "1", "XXX.sparse.minor": "0", "XXX.sparse.name": name, "XXX.sparse.realsize": "1099511627776"}},
		}, []file{{"", "x"}, {"", stored}})
		content = bytes.ReplaceAll(content, []byte("XXX.sparse"), []byte("GNU.sparse"))
		entries, summary, err := read(t, bytes.NewReader(content), Limits{})
		got := strings.Join(told(entries), "; ")
		if err != nil || !strings.Contains(got, "a.jpg=x") || name != "c.bin" && !strings.Contains(got, "stored with holes") || name == "c.bin" && summary.Others[".bin"] != 1 {
			t.Errorf("%s: got %q, %v, %v", name, got, summary, err)
		}
	}
}

func TestMembersOfZipThatAreNoFiles(t *testing.T) {
	headers := []zip.FileHeader{{Name: "link.jpg"}, {Name: "secret.jpg", Flags: 1}, {Name: "good.jpg"}, {Name: "gr\x81n.jpg", NonUTF8: true}}
	headers[0].SetMode(0o120777)
	headers[0].ExternalAttrs, headers[0].CreatorVersion = 0o120777<<16, 3<<8
	content := zipWith(t, headers, []file{{"", "/etc/passwd"}, {"", "x"}, {"", "x"}, {"", "x"}})
	entries, _, err := read(t, bytes.NewReader(content), Limits{})
	want := []string{"good.jpg=x", "grün.jpg=x", "link.jpg: it is a link", "secret.jpg: it is encrypted"}
	got := told(entries)
	if err != nil || len(got) != len(want) {
		t.Fatalf("got %q, %v", got, err)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
	content = zipOf(t, file{"a.jpg", strings.Repeat("some picture", 100)}, file{"b.jpg", "another"})
	content[50] ^= 0xFF // of the first member
	unknown := bytes.ReplaceAll(zipOf(t, file{"a.jpg", "x"}, file{"b.jpg", "another"}), []byte("\x08\x00\x08\x00"), []byte("\x08\x00\x09\x00"))
	entries, _, err = read(t, bytes.NewReader(content), Limits{})
	if got := told(entries); err != nil || len(got) != 2 || !strings.Contains(got[0], "cannot be unpacked") || got[1] != "b.jpg=another" {
		t.Errorf("one that is damaged: got %q, %v", got, err)
	}
	entries, _, err = read(t, bytes.NewReader(unknown), Limits{})
	if got := told(entries); err != nil || len(got) != 2 || !strings.Contains(got[0], "method 9") {
		t.Errorf("an unknown method: got %q, %v", got, err)
	}
}

// TestCut: an archive that is cut off is an error wherever the cut is, all that is whole
// before it was visited, and nothing that is not.
func TestCut(t *testing.T) {
	plain := tarOf(t, shard...)
	end := bytes.LastIndex(plain, []byte("next")) // of the last member
	for name, content := range map[string][]byte{
		"tar": plain[:end+block], "gzip": packedBy(t, plain, Gzip), "zstd": packedBy(t, plain, Zstd), "xz": packedBy(t, plain, XZ), "zip": zipOf(t, shard...),
	} {
		step := max(1, len(content)/97)
		for n := 1; n < len(content); n += step {
			entries, _, err := read(t, bytes.NewReader(content[:n]), Limits{})
			if err == nil {
				t.Errorf("%s, cut after %d of %d bytes: no error", name, n, len(content))
			}
			for i, got := range told(entries) {
				if entries[i].Problem == nil && !slices.Contains(shardTold, got) {
					t.Errorf("%s, cut after %d bytes: got %q", name, n, got)
				}
			}
		}
	}
	entries, _, err := read(t, bytes.NewReader(plain[:end]), Limits{})
	if got := told(entries); !errors.Is(err, ErrCutOff) || len(got) != 4 || !strings.HasPrefix(got[3], "folder/v1.1.webp: the reading ends") {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestDamaged(t *testing.T) {
	plain := tarOf(t, shard...)
	for _, packing := range []Packing{Gzip, XZ, Zstd} {
		content := packedBy(t, plain, packing)
		content[len(content)-6] ^= 1 // a checksum, or what tells where it is
		if _, _, err := read(t, bytes.NewReader(content), Limits{}); err == nil {
			t.Errorf("%s with a bad checksum is taken for a good one", packing)
		}
	}
	bad := bytes.Clone(plain)
	bad[148] ^= 1
	for name, content := range map[string]string{
		"nothing": "", "a text": "Hello", "a page": "<html>", "a picture": "\x89PNG\r\n\x1a\n", "7z": "7z\xbc\xaf\x27\x1c", "RAR": "Rar!\x1a\x07\x01\x00",
		"zip of nothing": "PK\x05\x06" + string(make([]byte, 18)), "a bad header": string(bad), "noise": strings.Repeat("noise ", 1000),
		"gzip of noise": string(packedBy(t, []byte(strings.Repeat("noise ", 1000)), Gzip)), "gzip of nothing": string(packedBy(t, nil, Gzip)),
		"the start of xz": "\xfd7zXZ\x00", "the start of zip": "PK\x03\x04",
	} {
		entries, _, err := read(t, strings.NewReader(content), Limits{})
		if err == nil || len(entries) > 0 || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %d entries, %v", name, len(entries), err)
		}
	}
	if _, _, err := read(t, stream{bytes.NewReader(zipOf(t, shard...))}, Limits{}); err == nil || !strings.Contains(err.Error(), "store it first") {
		t.Errorf("zip as a stream: %v", err)
	}
}

// TestConstantMemory: an archive of any length is read in the memory of one picture.
func TestConstantMemory(t *testing.T) {
	const pictures, size = 2000, 256 << 10
	from, to := io.Pipe()
	go func() {
		w := tar.NewWriter(to)
		content := make([]byte, size)
		for i := range pictures {
			_ = w.WriteHeader(&tar.Header{Name: fmt.Sprintf("%d.jpg", i), Size: size, Typeflag: tar.TypeReg})
			_, _ = w.Write(content)
		}
		to.CloseWithError(w.Close())
	}()
	most := uint64(0)
	summary, err := Read(t.Context(), from, Limits{}, func(e Entry) error {
		if len(e.Data) != size {
			t.Errorf("%s has %d bytes", e.ID, len(e.Data))
		}
		if e.ID[0] == '7' && len(e.ID) == 7 { // now and then
			runtime.GC()
			var memory runtime.MemStats
			runtime.ReadMemStats(&memory)
			most = max(most, memory.HeapAlloc)
		}
		return nil
	})
	if err != nil || summary.Pictures != pictures || most == 0 || most > 32<<20 {
		t.Errorf("%+v, %v, %d bytes at most", summary, err, most)
	}
}

// TestStops: whoever reads can leave, and its own error comes back.
func TestStops(t *testing.T) {
	plain := tarOf(t, shard...)
	enough := errors.New("enough")
	for name, content := range map[string][]byte{"tar": plain, "xz": packedBy(t, plain, XZ), "zip": zipOf(t, shard...)} {
		visits := 0
		_, err := Read(t.Context(), bytes.NewReader(content), Limits{}, func(Entry) error {
			visits++
			return enough
		})
		if err != enough || visits != 1 {
			t.Errorf("%s: %v after %d visits", name, err, visits)
		}
		ctx, cancel := context.WithCancel(t.Context())
		visits = 0
		_, err = Read(ctx, bytes.NewReader(content), Limits{}, func(Entry) error {
			visits++
			cancel()
			return nil
		})
		if !errors.Is(err, context.Canceled) || visits != 1 {
			t.Errorf("%s: %v after %d visits", name, err, visits)
		}
		cancel()
	}
}

// FuzzRead: whatever the bytes are, entries are as promised, bounded and the same each
// time; what is cut off gives no other picture than the whole.
func FuzzRead(f *testing.F) {
	plain := tarOf(f, shard...)
	for _, packing := range []Packing{Gzip, Zstd, XZ} {
		f.Add(packedBy(f, plain, packing))
	}
	f.Add(plain)
	f.Add(zipOf(f, shard...))
	f.Add(zipOf(f, file{"metadata.jsonl", `{"file_name":"a.jpg","n":1}`}, file{"a.jpg", "x"}, file{"b/metadata.csv", "file_name,n\na.jpg,1\n"}, file{"b/a.jpg", "x"}))
	f.Add(tarOf(f, file{"a.jpg", "x"}, file{"metadata.csv", "file_name,n\na.jpg,1\nc.jpg,2\n"}, file{"c.jpg", "x"}))
	f.Add(zipOf(f, file{"../a.jpg", "x"}, file{"a\x00.jpg", "x"}, file{"b.zip", "PK"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := Limits{MaxBytes: 4096, MaxDescription: 1024, MaxTotal: 1 << 20, MaxEntries: 100, RatioFrom: 64 << 10}
		entries, summary, err := read(t, bytes.NewReader(data), limits)
		for _, e := range entries {
			if len(e.Data) > 4096 || strings.Contains(e.ID, "..") && strings.Contains(e.ID, "/..") && e.Problem == nil {
				t.Errorf("entry %q has %d bytes", e.ID, len(e.Data))
			}
		}
		if len(entries) > 201 {
			t.Errorf("%d entries", len(entries))
		}
		again, secondly, errAgain := read(t, bytes.NewReader(data), limits)
		if !slices.Equal(told(again), told(entries)) || (err == nil) != (errAgain == nil) || summary.Pictures != secondly.Pictures {
			t.Errorf("the second time: %q, %v, at first %q, %v", told(again), errAgain, told(entries), err)
		}
	})
}
