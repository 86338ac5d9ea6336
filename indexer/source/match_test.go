package source

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// said returns the field "n" of each picture, by name, and what the walk complains of.
func said(t *testing.T, files map[string]string) (map[string]any, []string) {
	t.Helper()
	folder := t.TempDir()
	write(t, folder, files)
	f := walkAll(t, folder)
	numbers := make(map[string]any)
	for i, name := range f.names(t, folder) {
		numbers[name] = f.items[i].Metadata["n"]
	}
	var problems []string
	for _, problem := range f.problems {
		problems = append(problems, filepath.Base(problem.URI)+": "+problem.Err.Error())
	}
	return numbers, problems
}

const (
	composed   = "\u00fc.png"
	decomposed = "u\u0308.png"
)

func TestNamesWrittenOtherwise(t *testing.T) {
	for label, test := range map[string]struct {
		files map[string]string
		want  map[string]any
		says  []string // what each problem says, in parts
	}{
		"as it is":        {map[string]string{"a.png": "", "metadata.jsonl": `{"file_name":"a.png","n":1}`}, map[string]any{"a.png": 1.}, nil},
		"same path":       {map[string]string{"s/a.png": "", "metadata.jsonl": `{"file_name":"./s/../s/a.png","n":1}`}, map[string]any{"s/a.png": 1.}, nil},
		"from macOS":      {map[string]string{composed: "", "metadata.jsonl": `{"file_name":"` + decomposed + `","n":1}`}, map[string]any{composed: 1.}, []string{`L1|"u\u0308.png"|"ü.png"|Unicode form`}},
		"to macOS":        {map[string]string{decomposed: "", "metadata.csv": "file_name,n\n" + composed + ",1\n"}, map[string]any{decomposed: "1"}, []string{`row=2|"ü.png"|"u\u0308.png"|Unicode form`}},
		"folder on macOS": {map[string]string{"u\u0308/a.png": "", "metadata.jsonl": "{\"file_name\":\"\u00fc/a.png\",\"n\":1}"}, map[string]any{"u\u0308/a.png": 1.}, []string{"L1|Unicode form"}},
		"case":            {map[string]string{"IMG.JPG": "", "metadata.jsonl": `{"file_name":"img.jpg","n":1}`}, map[string]any{"IMG.JPG": 1.}, []string{`"img.jpg"|"IMG.JPG"|(case)`}},
		"Windows":         {map[string]string{"s/X.png": "", "metadata.jsonl": `{"file_name":"s\\x.png","n":1}`}, map[string]any{"s/X.png": 1.}, []string{`"s\\x.png"|"s/X.png"|(slashes, case)`}},
		"out of here":     {map[string]string{"x.png": "", "s/metadata.jsonl": `{"file_name":"..\\x.png","n":1}`}, map[string]any{"x.png": nil}, []string{"does not exist"}},
		"two lines":       {map[string]string{"a.png": "", "metadata.jsonl": "{\"file_name\":\"A.png\",\"n\":1}\n{\"file_name\":\"a.PNG\",\"n\":2}"}, map[string]any{"a.png": nil}, []string{`L1|"A.png"|"a.png"|"a.PNG" in L2`}},
		"exact goes first": {map[string]string{"a.png": "", "A.png": "", "metadata.jsonl": "{\"file_name\":\"a.png\",\"n\":1}"},
			map[string]any{"a.png": 1., "A.png": nil}, nil},
		"both have lines": {map[string]string{composed: "", decomposed: "", "metadata.jsonl": `{"file_name":"` + composed + `","n":1}` + "\n" + `{"file_name":"` + decomposed + `","n":2}`},
			map[string]any{composed: 1., decomposed: 2.}, nil},
		"one has a line": {map[string]string{composed: "", decomposed: "", "metadata.jsonl": `{"file_name":"` + composed + `","n":1}`},
			map[string]any{composed: 1., decomposed: nil}, []string{`L1|"ü.png"|"u\u0308.png"|looks the same`}},
		"neither has": {map[string]string{composed: "", decomposed: "", "metadata.jsonl": `{"file_name":"Ü.PNG","n":1}`},
			map[string]any{composed: nil, decomposed: nil}, []string{`"Ü.PNG"|"u\u0308.png" or "ü.png"|neither`, "neither"}},
		"folders alike": {map[string]string{"s/a.png": "", "S/a.png": "", "metadata.jsonl": `{"file_name":"s/A.png","n":1}`},
			map[string]any{"S/a.png": 1., "s/a.png": nil}, []string{`"s/A.png"|"S/a.png"`, `"S/a.png"|"s/a.png" as well`}},
		"twice":              {map[string]string{"a.png": "", "metadata.jsonl": "{\"file_name\":\"a.png\",\"n\":1}\n{\"file_name\":\"./a.png\",\"n\":2}"}, map[string]any{"a.png": 2.}, []string{"L2|L1 as well"}},
		"sidecar from macOS": {map[string]string{composed: "", decomposed + ".json": `{"n":1}`}, map[string]any{composed: 1.}, []string{`Unicode form`}},
	} {
		t.Run(label, func(t *testing.T) {
			got, problems := said(t, test.files)
			if fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("got %+q, want %+q; problems %q", got, test.want, problems)
			}
			if len(problems) != len(test.says) {
				t.Fatalf("problems %q, want %q", problems, test.says)
			}
			for i, says := range test.says {
				for part := range strings.SplitSeq(says, "|") {
					if !strings.Contains(problems[i], part) {
						t.Errorf("problem %q does not say %q", problems[i], part)
					}
				}
			}
		})
	}
}

// A manifest in which every name is written otherwise does not flood the catalogue.
func TestManyNamesWrittenOtherwise(t *testing.T) {
	files := map[string]string{}
	var lines strings.Builder
	for i := range mostTold + 20 {
		files[fmt.Sprintf("%03d.PNG", i)] = ""
		fmt.Fprintf(&lines, "{\"file_name\":\"%03d.png\",\"n\":%d}\n", i, i)
	}
	files["metadata.jsonl"] = lines.String()
	got, problems := said(t, files)
	if len(problems) != mostTold+1 || got["119.PNG"] != 119. {
		t.Errorf("%d problems, the last is %q; %v", len(problems), problems[len(problems)-1], got["119.PNG"])
	}
}

func TestOneBadLineIsLostAlone(t *testing.T) {
	for label, test := range map[string]struct {
		name, text string
		want       string
		says       []string
	}{
		"Latin-1 line":      {"metadata.jsonl", "{\"file_name\":\"a.png\",\"n\":1}\n{\"file_name\":\"b.png\",\"x\":\"gr\xf6\xdfer\"}\n{\"file_name\":\"c.png\",\"n\":3}", "1 <nil> 3", []string{"L2: line 2 is not UTF-8: byte 0xF6 at column 29; save the file as UTF-8"}},
		"cut line":          {"metadata.jsonl", "{\"file_name\":\"a.png\",\"n\":1}\n{\"file_name\":\"b.png\"", "1 <nil> <nil>", []string{"L2: it is not a JSON object: unexpected end"}},
		"key twice":         {"metadata.jsonl", "{\"file_name\":\"a.png\",\"n\":1,\"n\":2}\n{\"file_name\":\"b.png\",\"n\":2}", "<nil> 2 <nil>", []string{`L1: its field "n" occurs twice`}},
		"other key twice":   {"metadata.jsonl", `{"file_name":"a.png","n":1,"x":1,"x":2}`, "1 <nil> <nil>", []string{`L1: its field "x" occurs twice`}},
		"other field half":  {"a.png.json", `{"n":1,"x":"\ud83d"}`, "1 <nil> <nil>", []string{"its field \"x\": it holds half of a character"}},
		"no file_name":      {"metadata.jsonl", `{"image":"a.png","n":1}`, "<nil> <nil> <nil>", []string{"L1: it has no file_name"}},
		"file_name outside": {"metadata.jsonl", `{"file_name":"../a.png","n":1}`, "<nil> <nil> <nil>", []string{"L1: its file_name \"../a.png\" is not the relative path of a file below"}},
		"semicolons":        {"metadata.csv", "file_name;n\r\na.png;1,5\r\nb.png;\"2;x\"\r\n", "1,5 2;x <nil>", nil},
		"tabs":              {"metadata.csv", "n\tfile_name\n1\ta.png\n", "1 <nil> <nil>", nil},
		"other header":      {"metadata.csv", "File_Name,n\na.png,1\n", "<nil> <nil> <nil>", []string{`L1: its header: no column is called file_name; it has "File_Name", "n"`}},
		"slashes twice":     {"metadata.jsonl", "{\"file_name\":\"./a.png\",\"n\":1}\n{\"file_name\":\"A.png\",\"n\":2}", "1 <nil> <nil>", []string{`L2: its file_name "A.png" does not exist; "a.png", which differs in case, has the metadata in L1`}},
		"carriage returns":  {"metadata.jsonl", "{\"file_name\":\"a.png\",\"n\":1}\r{\"file_name\":\"b.png\",\"n\":2}\r", "1 2 <nil>", nil},
		"UTF-16":            {"metadata.jsonl", "\xff\xfe" + wide("{\"file_name\":\"a.png\",\"n\":1}\r\n{\"file_name\":\"b.png\",\"n\":2}\r\n"), "1 2 <nil>", nil},
		"UTF-16 unmarked":   {"metadata.jsonl", wide("{\"file_name\":\"a.png\",\"n\":1}\r\n"), "<nil> <nil> <nil>", []string{"seems to be UTF-16 without a byte order mark"}},
		"Latin-1 row":       {"metadata.csv", "file_name,n,x\na.png,1,\nb.png,2,gr\xf6\xdfer\nc.png,3,\n", "1 <nil> 3", []string{"row=3: line 3 is not UTF-8: byte 0xF6 at column 11"}},
		"Latin-1 below":     {"metadata.csv", "file_name,n,x\na.png,1,\"x\ny\xe4\"\nb.png,2,\n", "<nil> 2 <nil>", []string{"row=2: line 3 is not UTF-8: byte 0xE4 at column 2"}},
		"Latin-1 header":    {"metadata.csv", "file_name,gr\xf6\xdfe\na.png,1\n", "<nil> <nil> <nil>", []string{"L1: its header: line 1 is not UTF-8"}},
		"bare quote":        {"metadata.csv", "file_name,n\na.png,1\nb.png,a \"red\" bicycle\nc.png,3\n", "1 <nil> 3", []string{"row=3: parse error on line 3"}},
		"open quote":        {"metadata.csv", "file_name,n\na.png,1\nb.png,\"2\nc.png,3\n", "1 <nil> 3", []string{"row=3: record on line 3"}},
		"two open quotes":   {"metadata.csv", "file_name,n\na.png,\"1\nb.png,\"2\nc.png,3\n", "<nil> <nil> 3", []string{"row=2", "row=3"}},
		"a field too few":   {"metadata.csv", "file_name,n\na.png,1\nb.png\nc.png,3\n", "1 <nil> 3", []string{"row=3"}},
		"zero in a row":     {"metadata.csv", "file_name,n\na.png,1\nb.png,\x00\nc.png,3\n", "1 <nil> 3", []string{"row=3: line 3: it holds a zero character"}},
		"UTF-16 table":      {"metadata.csv", "\xff\xfe" + wide("file_name,n\r\na.png,ü\r\n"), "ü <nil> <nil>", nil},
		"half a character":  {"metadata.jsonl", `{"file_name":"a.png","n":"\ud83d"}`, "<nil> <nil> <nil>", []string{"half of a character"}},
		"Latin-1 sidecar":   {"b.png.json", "{\n\"n\":\"gr\xf6\xdfer\"}", "<nil> <nil> <nil>", []string{"line 2 is not UTF-8: byte 0xF6 at column 8"}},
		"UTF-16 sidecar":    {"b.png.json", "\xff\xfe" + wide(`{"n":2}`), "<nil> 2 <nil>", nil},
		"composed metadata": {"b.png.json", "{\"n\":\"Mu\u0308ller\"}", "<nil> Müller <nil>", nil},
	} {
		t.Run(label, func(t *testing.T) {
			got, problems := said(t, map[string]string{"a.png": "", "b.png": "", "c.png": "", test.name: test.text})
			if values := fmt.Sprintf("%v %v %v", got["a.png"], got["b.png"], got["c.png"]); values != test.want {
				t.Errorf("got %q, want %q", values, test.want)
			}
			if len(problems) != len(test.says) {
				t.Fatalf("problems %q, want %q", problems, test.says)
			}
			for i, says := range test.says {
				if !strings.Contains(problems[i], says) {
					t.Errorf("problem %q does not say %q", problems[i], says)
				}
			}
		})
	}
}

// wide is UTF-16, little-endian, of characters below U+0100.
func wide(text string) string {
	var out strings.Builder
	for _, r := range text {
		out.WriteByte(byte(r))
		out.WriteByte(0)
	}
	return out.String()
}

// FuzzLooseForm: names that differ only in Unicode form, in capitals or in slashes have
// one form, which is its own.
func FuzzLooseForm(f *testing.F) {
	for _, name := range []string{"a.png", "Stra\u00dfe/\u0130.JPG", `a\\b`, "./x", "\u1e9e\u0345", "\xff"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		form := looseForm(name)
		if again := looseForm(form); again != form {
			t.Fatalf("%+q is %+q, then %+q", name, form, again)
		}
		if other := looseForm(strings.ReplaceAll(name, "/", `\`)); other != form {
			t.Fatalf("%+q is %+q, with other slashes %+q", name, form, other)
		}
		if utf8.ValidString(name) {
			if other := looseForm(norm.NFD.String(name)); other != form {
				t.Fatalf("%+q is %+q, decomposed %+q", name, form, other)
			}
		}
	})
}
