package data

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// write makes a file in a new folder and returns its path.
func write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// read gives all records and the texts of all problems.
func read(t testing.TB, s Source) (records []Record, problems []string, err error) {
	t.Helper()
	err = s.Read(context.Background(),
		func(r Record) error { records = append(records, r); return nil },
		func(p Problem) { problems = append(problems, p.Error()) })
	return records, problems, err
}

func TestLines(t *testing.T) {
	path := write(t, "pairs.jsonl", strings.Join([]string{
		"\ufeff" + `{"image":"a.png","text":"a cat","language":"en","item":7,"relevance":0.5,"year":1999,"unused":1}`,
		``,
		`{"file_name":"sub/b c.jpg","captions":{"de":["Hund"," "],"zh_Hant":"狗"}}`,
		`{"url":"https://example.org/x.png?a=b#top","captions":[{"language":"fr","text":"chat"},"x",""]}`,
		`{"path":"/etc/c.png"}`,
	}, "\n"))
	records, problems, err := read(t, Lines{path, ReadOptions{Attributes: []string{"year", "missing"}}})
	folder := "file://" + filepath.Dir(path)
	want := []Record{
		{Picture: Picture{URI: folder + "/a.png", Within: folder}, Captions: []Caption{{"en", "a cat"}}, Item: "7",
			Relevance: 0.5, Attributes: map[string]string{"year": "1999"}, Place: Place{path, "line:1"}},
		{Picture: Picture{URI: folder + "/sub/b%20c.jpg", Within: folder}, Captions: []Caption{{"de", "Hund"}, {"zh-Hant", "狗"}},
			Empty: 1, Relevance: 1, Place: Place{path, "line:3"}},
		{Picture: Picture{URI: "https://example.org/x.png?a=b"}, Captions: []Caption{{"fr", "chat"}, {"", "x"}},
			Empty: 1, Relevance: 1, Place: Place{path, "line:4"}},
	}
	if err != nil || !reflect.DeepEqual(records, want) {
		t.Errorf("got %+v, %v\nwant %+v", records, err, want)
	}
	if len(problems) != 1 || problems[0] != path+`:5: "/etc/c.png" leads out of the folder of the file, which has to be allowed` {
		t.Errorf("got problems %q", problems)
	}
}

func TestLinesNameWhatIsWrong(t *testing.T) {
	for _, test := range []struct{ name, line, want string }{
		{"no object", `[1]`, "not a JSON object"},
		{"no picture", `{"text":"a"}`, "no field says where the picture is"},
		{"two pictures", `{"image":"a.png","url":"http://b/c"}`, "several fields"},
		{"out of the folder", `{"image":"../a.png","text":"a"}`, "leads out of the folder"},
		{"scheme", `{"image":"ftp://a/b.png"}`, "not of http or https"},
		{"no host", `{"image":"http:///b.png"}`, "not of http or https"},
		{"password", `{"image":"http://me:secret@a/b.png"}`, "holds a name or password"},
		{"NUL", `{"image":"a\u0000.png"}`, "NUL"},
		{"long", `{"image":"` + strings.Repeat("a", 2100) + `"}`, "at most 2048"},
		{"captions", `{"image":"a.png","captions":5}`, "captions"},
		{"language", `{"image":"a.png","text":"a","language":"not a language"}`, "language tag"},
		{"item", `{"image":"a.png","item":[]}`, `"item" is not a text`},
		{"relevance", `{"image":"a.png","relevance":1.5}`, "from 0 to 1"},
		{"relevance text", `{"image":"a.png","relevance":"NaN"}`, "from 0 to 1"},
		{"relevance list", `{"image":"a.png","relevance":[]}`, "from 0 to 1"},
	} {
		records, problems, err := read(t, Lines{Path: write(t, "p.jsonl", "\n"+test.line)})
		if err != nil || len(records) != 0 || len(problems) != 1 {
			t.Errorf("%s: got %v, %q, %v; want one problem", test.name, records, problems, err)
			continue
		}
		if !strings.Contains(problems[0], test.want) || !strings.Contains(problems[0], "p.jsonl:2: ") {
			t.Errorf("%s: got %q, want %q at line 2", test.name, problems[0], test.want)
		}
		if strings.Contains(problems[0], "secret") {
			t.Errorf("%s: a password is shown: %q", test.name, problems[0])
		}
	}
}

func TestLinesEnd(t *testing.T) {
	long := write(t, "p.jsonl", "{}\n"+strings.Repeat("a", maxRecord+1))
	if _, _, err := read(t, Lines{Path: long}); err == nil || !strings.Contains(err.Error(), "p.jsonl:2: the line has more than") {
		t.Errorf("a line without end: got %v", err)
	}
	if _, _, err := read(t, Lines{Path: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "not an ordinary file") {
		t.Errorf("a folder: got %v", err)
	}
	if _, _, err := read(t, Lines{Path: "nothing.jsonl"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got %v", err)
	}
	stop := errors.New("stop")
	path := write(t, "p.jsonl", `{"image":"a.png"}`)
	if err := (Lines{Path: path}).Read(t.Context(), func(Record) error { return stop }, func(Problem) {}); err != stop {
		t.Errorf("the error of the caller: got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (Lines{Path: path}).Read(ctx, func(Record) error { return nil }, func(Problem) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: got %v", err)
	}
}

func TestAnywhere(t *testing.T) {
	path := write(t, "p.jsonl", `{"image":"/srv/a.png"}`+"\n"+`{"image":"../b.png"}`)
	records, problems, err := read(t, Lines{path, ReadOptions{Anywhere: true}})
	if err != nil || len(problems) > 0 || len(records) != 2 {
		t.Fatalf("got %v, %q, %v", records, problems, err)
	}
	want := []Picture{{URI: "file:///srv/a.png"}, {URI: "file://" + filepath.Join(filepath.Dir(path), "../b.png")}}
	if got := []Picture{records[0].Picture, records[1].Picture}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTable(t *testing.T) {
	path := write(t, "pairs.csv", "\ufeffImage, Text ,language,item,relevance,colour\n"+
		"a.png,\"two\nlines\",en,x,0.25,red\n"+
		"a.png,Katze,de,x,,\n"+
		"b.png,,,,,\n"+
		"c.png,too,few\n"+
		"d.png,\"quoted \"\"word\"\"\",en,,2,\n"+
		"e.png,last,,,1,blue\n")
	records, problems, err := read(t, Table{path, ReadOptions{Attributes: []string{"colour"}}})
	folder := "file://" + filepath.Dir(path)
	picture := func(name string) Picture { return Picture{URI: folder + "/" + name, Within: folder} }
	want := []Record{
		{Picture: picture("a.png"), Captions: []Caption{{"en", "two\nlines"}}, Item: "x", Relevance: 0.25,
			Attributes: map[string]string{"colour": "red"}, Place: Place{path, "line:2"}},
		{Picture: picture("a.png"), Captions: []Caption{{"de", "Katze"}}, Item: "x", Relevance: 1, Place: Place{path, "line:4"}},
		{Picture: picture("b.png"), Empty: 1, Relevance: 1, Place: Place{path, "line:5"}},
		{Picture: picture("e.png"), Captions: []Caption{{"", "last"}}, Relevance: 1,
			Attributes: map[string]string{"colour": "blue"}, Place: Place{path, "line:8"}},
	}
	if err != nil || !reflect.DeepEqual(records, want) {
		t.Errorf("got %+v, %v\nwant %+v", records, err, want)
	}
	wantProblems := []string{path + ":6: wrong number of fields", path + ":7: relevance 2 is not a number from 0 to 1"}
	if !slices.Equal(problems, wantProblems) {
		t.Errorf("got problems %q, want %q", problems, wantProblems)
	}
}

// TestOtherEncodings: text that is not UTF-8, as spreadsheets write it, is refused
// and not guessed.
func TestOtherEncodings(t *testing.T) {
	lines := Lines{Path: write(t, "pairs.ndjson", "{\"image\":\"a.png\",\"text\":\"r\xf6t\"}\n{\"image\":\"a.png\",\"text\":\"rot\"}\n")}
	table := Table{Path: write(t, "pairs.csv", "image,text\na.png,r\xf6t\na.png,rot\n")}
	for name, source := range map[string]Source{"lines": lines, "table": table} {
		records, problems, err := read(t, source)
		if err != nil || len(records) != 1 || len(problems) != 1 || !strings.Contains(problems[0], "not text in UTF-8") {
			t.Errorf("%s: %+v, %q, %v", name, records, problems, err)
		}
	}
}

func TestTableOfTabs(t *testing.T) {
	records, problems, err := read(t, Table{Path: write(t, "p.tsv", "path\ttext\na,b.png\tone, two\n")})
	if err != nil || len(problems) > 0 || len(records) != 1 || records[0].Captions[0].Text != "one, two" {
		t.Errorf("got %+v, %q, %v", records, problems, err)
	}
}

func TestTableEnds(t *testing.T) {
	for _, test := range []struct{ name, content, want string }{
		{"empty", "", "is empty"},
		{"no picture", "text,language\n", "no field says where the picture is"},
		{"quote", "image,text\na.png,\"b\n" + strings.Repeat("cccccccccc\n", 200_000), "mark that is not closed"},
		{"bare quote", "image,text\na.png,b\"c\n", "p.csv:2: "},
	} {
		_, _, err := read(t, Table{Path: write(t, "p.csv", test.content)})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

// member is a file in a tar archive.
type member struct{ name, content string }

func tarOf(t testing.TB, members ...member) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, m := range members {
		header := &tar.Header{Name: m.name, Mode: 0o644, Size: int64(len(m.content)), Typeflag: tar.TypeReg}
		if strings.HasSuffix(m.name, "/") {
			header.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(m.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestShards(t *testing.T) {
	long := strings.Repeat("folder/", 30) // takes an extended header
	path := write(t, "0.tar", tarOf(t,
		member{"a/", ""},
		member{"a/0.jpg", "picture 0"}, member{"a/0.txt", " a dog\n"}, member{"a/0.de.txt", "Hund"}, member{"a/0.cls", "1"},
		member{"a/1.json", `{"captions":{"fr":"chat"},"item":"cat","relevance":0.5,"width":8}`}, member{"a/1.seg.png", "picture one"},
		member{"a/2.webp", "2"}, member{"a/2.txt", " "}, member{"a/2.png", "second"},
		member{"a/3.txt", "alone"},
		member{long + "4.JPEG", "four"}, member{long + "4.json", `[]`},
	))
	records, problems, err := read(t, Shards{[]string{path}, ReadOptions{Attributes: []string{"width"}}})
	if err != nil {
		t.Fatal(err)
	}
	uri := "file://" + path
	want := []Record{
		{Captions: []Caption{{"", "a dog"}, {"de", "Hund"}}, Relevance: 1, Place: Place{path, "a/0.jpg"}},
		{Captions: []Caption{{"fr", "chat"}}, Item: "cat", Relevance: 0.5, Attributes: map[string]string{"width": "8"}, Place: Place{path, "a/1.seg.png"}},
		{Empty: 1, Relevance: 1, Place: Place{path, "a/2.webp"}},
		{Relevance: 1, Place: Place{path, long + "4.JPEG"}},
	}
	contents := []string{"picture 0", "picture one", "2", "four"}
	files := NewFiles(FileOptions{})
	defer files.Close()
	for i, r := range records {
		content, err := files.Bytes(t.Context(), r.Picture)
		if err != nil || string(content) != contents[i] {
			t.Errorf("bytes of %s: got %q, %v; want %q", r.Picture, content, err, contents[i])
		}
		if r.Picture.URI != uri {
			t.Errorf("got URI %s, want %s", r.Picture.URI, uri)
		}
		records[i].Picture = Picture{}
	}
	if !reflect.DeepEqual(records, want) {
		t.Errorf("got %+v\nwant %+v", records, want)
	}
	wantProblems := []string{
		path + `#a/2.png: the sample has a picture already, "a/2.webp"`,
		path + `#a/3: the sample has no picture: its members must follow one another`,
		path + "#" + long + "4.json: it is not a JSON object: json: cannot unmarshal array into Go value of type map[string]interface {}",
	}
	if !slices.Equal(problems, wantProblems) {
		t.Errorf("got problems %q, want %q", problems, wantProblems)
	}
}

func TestShardsRefuse(t *testing.T) {
	whole := tarOf(t, member{"a.jpg", strings.Repeat("x", 2000)}, member{"b.jpg", "y"})
	for _, test := range []struct{ name, content, want string }{
		{"gzip", "\x1f\x8b\x08\x00\x00\x00", "compressed"},
		{"no archive", strings.Repeat("no tar", 200), "invalid tar header"},
		{"cut off", whole[:1500], `after sample "a"`},
	} {
		_, _, err := read(t, Shards{Paths: []string{write(t, "0.tar", test.content)}})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
	large := tarOf(t, member{"a.jpg", "x"}, member{"a.txt", strings.Repeat("x", maxRecord+1)}, member{"a.json", strings.Repeat(" ", maxRecord+1)})
	_, problems, err := read(t, Shards{Paths: []string{write(t, "0.tar", large)}})
	if err != nil || len(problems) != 2 {
		t.Errorf("members that are too large: got %q, %v", problems, err)
	}
}

// A model learns texts as it will be asked them.
func TestCollectTakesTextsAsPeopleSeeThem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pairs.jsonl")
	lines := `{"image":"a.png","text":"\ufeffred  apple"}` + "\n" + `{"image":"a.png","text":"ｒｅｄ\u00a0apple"}` + "\n" + `{"image":"b.png","text":"\u200b"}` + "\n"
	if err := os.WriteFile(file, []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	set, err := Collect(t.Context(), Lines{file, ReadOptions{}})
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Pairs) != 1 || set.Pairs[0].Text != "red apple" || len(set.Empty) != 1 {
		t.Errorf("got %+v, without texts %v, problems %v", set.Pairs, set.Empty, set.Problems)
	}
}

func TestCollect(t *testing.T) {
	first := write(t, "a.csv", "image,text,language,item\n/a.png,cat,en,\n/a.png,cat,en,\n/a.png,cat,de,late\n/b.png,,,\n/a.png,dog,en,other\nc.png,d,e,f,g\n")
	set, err := Collect(t.Context(), Table{first, ReadOptions{Anywhere: true}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := set.Pictures, []Picture{{URI: "file:///a.png"}, {URI: "file:///b.png"}}; !slices.Equal(got, want) {
		t.Errorf("got pictures %v, want %v", got, want)
	}
	if want := []string{"late", ""}; !slices.Equal(set.Items, want) {
		t.Errorf("got items %q, want %q", set.Items, want)
	}
	var texts []string
	for _, p := range set.Pairs {
		texts = append(texts, fmt.Sprint(p.Picture, " ", p.Language, " ", p.Text, " ", p.Place.Part))
	}
	if want := []string{"0 en cat line:2", "0 de cat line:4", "0 en dog line:6"}; !slices.Equal(texts, want) {
		t.Errorf("got pairs %q, want %q", texts, want)
	}
	if len(set.Empty) != 1 || set.Empty[0] != (Place{first, "line:5"}) || len(set.Problems) != 1 || set.Records() != 5 {
		t.Errorf("got empty %v, problems %v, %d records", set.Empty, set.Problems, set.Records())
	}
	if got, want := set.PairsOf(), [][]int{{0, 1, 2}, nil}; !reflect.DeepEqual(got, want) {
		t.Errorf("got pairs of pictures %v, want %v", got, want)
	}
}

// TestCollectTakesTagsInAnyCase: a language is one, however its tag is written.
func TestCollectTakesTagsInAnyCase(t *testing.T) {
	path := write(t, "a.csv", "image,text,language\n/a.png,cat,en-US\n/a.png,cat,en-us\n/a.png,猫,zh-Hant\n")
	set, err := Collect(t.Context(), Table{path, ReadOptions{Anywhere: true}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, pair := range set.Pairs {
		got = append(got, pair.Language+" "+pair.Text)
	}
	if want := []string{"en-us cat", "zh-hant 猫"}; !slices.Equal(got, want) {
		t.Errorf("got pairs %q, want %q", got, want)
	}
}

// checkRecord is what holds of every record, whatever it was read from.
func checkRecord(t *testing.T, r Record) {
	t.Helper()
	if r.Picture.Member == "" && !strings.HasPrefix(r.Picture.URI, "http") {
		if path, err := filePath(r.Picture.URI); err != nil || path != "/folder" && !strings.HasPrefix(path, "/folder/") {
			t.Errorf("%q leads out of the folder (%v)", r.Picture.URI, err)
		}
	}
	if !(r.Relevance >= 0 && r.Relevance <= 1) || math.IsNaN(float64(r.Relevance)) {
		t.Errorf("relevance %v", r.Relevance)
	}
	for _, c := range r.Captions {
		if strings.TrimSpace(c.Text) == "" || !utf8.ValidString(c.Text) || len(c.Text) > 8<<10 {
			t.Errorf("caption %.100q", c.Text)
		}
	}
}

func FuzzLines(f *testing.F) {
	f.Add([]byte(`{"image":"a.png","captions":{"de":["Hund",""]},"item":1,"relevance":"0.5"}` + "\n" + `{"url":"http://a/b"}`))
	f.Add([]byte("\ufeff" + `{"path":"../x","text":" ","language":"en_US"}`))
	f.Add([]byte(`{"image":"http://a:b@c/","relevance":2}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		_ = ReadOptions{Attributes: []string{"a"}}.readLines(t.Context(), bytes.NewReader(content), "f", "/folder",
			func(r Record) error { checkRecord(t, r); return nil }, func(Problem) {})
	})
}

func FuzzTable(f *testing.F) {
	f.Add([]byte("image,text,language,item,relevance\na.png,\"x\ny\",en,1,0.5\nb.png,,,,\n"))
	f.Add([]byte("\ufeffurl,caption\nhttp://a/b,c\n/x,d\n"))
	f.Add([]byte("image,captions,tags\na,b,c"))
	f.Fuzz(func(t *testing.T, content []byte) {
		rows := rowReader{name: "f", folder: "/folder", options: ReadOptions{Attributes: []string{"a"}}}
		_ = rows.read(t.Context(), bytes.NewReader(content), ',',
			func(r Record) error { checkRecord(t, r); return nil }, func(Problem) {})
	})
}

func FuzzShards(f *testing.F) {
	f.Add([]byte(tarOf(f, member{"a.jpg", "picture"}, member{"a.txt", "dog"}, member{"b.json", `{"text":"x"}`}, member{"b.png", "y"})))
	f.Add([]byte(tarOf(f, member{strings.Repeat("long/", 40) + "a.en.txt", "dog"}, member{"x.webp", ""})))
	f.Fuzz(func(t *testing.T, content []byte) {
		reader := shardReader{name: "f", uri: "file:///f", problem: func(Problem) {}, record: func(r Record) error {
			checkRecord(t, r)
			if r.Picture.Member != "" && (r.Picture.Size < 0 || r.Picture.Offset < 512 || r.Picture.Offset > int64(len(content))) {
				t.Errorf("picture %+v in %d bytes", r.Picture, len(content))
			}
			return nil
		}}
		_ = reader.read(t.Context(), bytes.NewReader(content))
	})
}
