package data

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestOpen: a picture with a text is found in every form that a user may name.
func TestOpen(t *testing.T) {
	folder := t.TempDir()
	for name, content := range map[string]string{"a.png": "a picture", "a.json": `{"text":"a fox"}`, "silent.png": "another"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, path := range map[string]string{
		"folder": folder,
		"lines":  write(t, "pairs.ndjson", `{"image":"a.png","text":"a fox"}`+"\n"),
		"other":  write(t, "pairs", `{"image":"a.png","text":"a fox"}`),
		"table":  write(t, "PAIRS.CSV", "image,text\na.png,a fox\n"),
		"tabs":   write(t, "pairs.tsv", "image\ttext\na.png\ta fox\n"),
		"shard":  write(t, "0.tar", tarOf(t, member{"a.png", "a picture"}, member{"a.txt", "a fox"})),
	} {
		source, err := Open(t.Context(), path, ReadOptions{Anywhere: true})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		records, problems, err := read(t, source)
		if err != nil || len(problems) > 0 || len(records) != 1 || len(records[0].Captions) != 1 || records[0].Captions[0].Text != "a fox" {
			t.Errorf("%s: records %+v, problems %q, error %v", name, records, problems, err)
		}
	}
	if _, err := Open(t.Context(), filepath.Join(folder, "missing"), ReadOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a path that is not there gives %v", err)
	}
}

// TestFolderSpreads: as many pictures as are asked for, from all over the folder,
// in the order of their names.
func TestFolderSpreads(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"0", "1", "2", "3", "4", "5"} {
		for ending, content := range map[string]string{".png": name, ".json": `{"text":"number ` + name + `"}`} {
			if err := os.WriteFile(filepath.Join(folder, name+ending), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for most, want := range map[int]string{0: "012345", 2: "03", 3: "024", 5: "01234", 6: "012345", 9: "012345"} {
		records, problems, err := read(t, Folder{Path: folder, Most: most})
		var got string
		for _, record := range records {
			got += record.Captions[0].Text[len("number "):]
		}
		if err != nil || len(problems) > 0 || got != want {
			t.Errorf("at most %d: pictures %q, problems %q, error %v, want %q", most, got, problems, err, want)
		}
	}
}

func TestTextsIn(t *testing.T) {
	fields := map[string]any{"one": "fox", "list": []any{"fox", 7.0, "red"}, "number": 7.0}
	for name, want := range map[string]int{"one": 1, "list": 2, "number": 0, "missing": 0} {
		if got := TextsIn(fields, name); len(got) != want {
			t.Errorf("%s: %q, want %d texts", name, got, want)
		}
	}
}
