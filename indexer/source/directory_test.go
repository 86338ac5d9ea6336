package source

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// write makes files below a folder; a name that ends with / makes a folder.
func write(t *testing.T, folder string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			continue
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

type found struct {
	items    []Item
	problems []Problem
	others   map[string]string // kinds by name
	excluded map[string]int    // by rule
	metadata int
}

// entries is how many entries of folders the walk told of.
func (f found) entries() int {
	n := len(f.items) + len(f.others) + f.metadata
	for _, count := range f.excluded {
		n += count
	}
	for _, problem := range f.problems {
		if problem.Kind.IsEntry() {
			n++
		}
	}
	return n
}

func (f found) problemsOf(kind ProblemKind) []string {
	var about []string
	for _, problem := range f.problems {
		if problem.Kind == kind {
			about = append(about, path.Base(problem.URI)+": "+problem.Err.Error())
		}
	}
	return about
}

func (f found) names(t *testing.T, folder string) []string {
	t.Helper()
	var names []string
	for _, item := range f.items {
		name, err := filepath.Rel(folder, item.Path)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

func walkAll(t *testing.T, folder string) found {
	t.Helper()
	d, err := NewDirectory(folder)
	if err != nil {
		t.Fatal(err)
	}
	f := walk(t, d, nil)
	count, err := d.Count(t.Context())
	if err != nil || count != len(f.items) {
		t.Errorf("Count gave %d, %v; Walk gave %d items", count, err, len(f.items))
	}
	return f
}

func walkWith(t *testing.T, folder string, rules Rules) found {
	t.Helper()
	d, err := NewDirectoryWith(folder, rules)
	if err != nil {
		t.Fatal(err)
	}
	return walk(t, d, nil)
}

func walk(t *testing.T, d *Directory, known func(context.Context, []Item) ([]string, error)) found {
	t.Helper()
	f := found{others: make(map[string]string), excluded: make(map[string]int)}
	err := d.Walk(t.Context(), Visitor{
		Item: func(item Item) error { f.items = append(f.items, item); return nil },
		Other: func(other Other) error {
			name, err := filepath.Rel(d.path, other.Path)
			f.others[name] = other.Kind
			return err
		},
		Excluded: func(left Excluded) { f.excluded[left.Rule]++ },
		Metadata: func() { f.metadata++ },
		Problem:  func(problem Problem) { f.problems = append(f.problems, problem) },
		Known:    known,
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestWalkFindsPictures(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, map[string]string{
		"b.PNG": "1", "a.jpeg": "22", "notes.txt": "", "sub/c.webp": "", "sub/deep/d.tiff": "",
		".hidden.png": "", ".git/e.png": "", "looks.like.png/": "", "f.gif.bak": "",
	})
	f := walkAll(t, folder)
	want := []string{".hidden.png", "a.jpeg", "b.PNG", "sub/c.webp", "sub/deep/d.tiff"}
	if got := f.names(t, folder); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(f.problems) != 0 {
		t.Errorf("problems: %v", f.problems)
	}
	if f.items[1].Size != 2 || time.Since(f.items[1].Modified) > time.Hour {
		t.Errorf("got %+v", f.items[1])
	}
	if len(f.others) != 2 || f.excluded[".git"] != 1 {
		t.Errorf("others %v, left out %v", f.others, f.excluded)
	}
}

func TestURIs(t *testing.T) {
	for path, want := range map[string]string{
		"/p/a b.png":       "file:///p/a%20b.png",
		"/p/100%?#.png":    "file:///p/100%25%3F%23.png",
		"/p/Ü/犬.png":       "file:///p/%C3%9C/%E7%8A%AC.png",
		"/p/bad\xff\n.png": "file:///p/bad%FF%0A.png",
	} {
		if got := fileURI(path); got != want {
			t.Errorf("fileURI(%q) = %s, want %s", path, got, want)
		}
		if back, err := filePath(want); err != nil || back != path {
			t.Errorf("filePath(%s) = %q, %v", want, back, err)
		}
	}
	for _, bad := range []string{"", "http://x/y", "file://host/y", "file:relative", "%"} {
		if path, err := filePath(bad); err == nil {
			t.Errorf("filePath(%q) = %q, want an error", bad, path)
		}
	}
}

func TestSymbolicLinks(t *testing.T) {
	base := t.TempDir()
	folder := filepath.Join(base, "pictures")
	write(t, base, map[string]string{"outside/secret.png": "s", "pictures/sub/real.png": "r"})
	for link, target := range map[string]string{
		"inside.png": "sub/real.png", "outside.png": "../outside/secret.png",
		"broken.png": "nowhere.png", "loop": ".", "away": "../outside",
	} {
		if err := os.Symlink(target, filepath.Join(folder, link)); err != nil {
			t.Fatal(err)
		}
	}
	f := walkAll(t, folder)
	if got, want := f.names(t, folder), []string{"inside.png", "sub/real.png"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	want := []string{
		"away: it leads to a folder elsewhere; let links be followed to look into that", "broken.png: it leads nowhere",
		"loop: it leads to a folder; let links be followed to look into that", "outside.png: it leads to a file elsewhere; let links be followed to index that",
	}
	if got := f.problemsOf(ProblemLink); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestOpenStaysInside(t *testing.T) {
	base := t.TempDir()
	folder := filepath.Join(base, "pictures")
	write(t, base, map[string]string{"outside/secret.png": "s", "pictures/sub/real.png": "r"})
	d, err := NewDirectory(folder)
	if err != nil {
		t.Fatal(err)
	}
	file, err := Open(t.Context(), d.Name(), fileURI(filepath.Join(folder, "sub/real.png")))
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	if _, err := Open(t.Context(), d.Name(), fileURI(filepath.Join(base, "outside/secret.png"))); err == nil {
		t.Error("a file beside the folder was opened")
	}
	// The subfolder is swapped for a link after the walk.
	if err := os.RemoveAll(filepath.Join(folder, "sub")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../outside", filepath.Join(folder, "sub")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), d.Name(), fileURI(filepath.Join(folder, "sub/secret.png"))); err == nil {
		t.Error("a file was opened through a link that leads outside")
	}
}

func TestUnreadableFolders(t *testing.T) {
	if _, err := NewDirectory(filepath.Join(t.TempDir(), "missing")); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("missing folder: got %v", err)
	}
	file := filepath.Join(t.TempDir(), "file.png")
	write(t, filepath.Dir(file), map[string]string{"file.png": ""})
	if _, err := NewDirectory(file); err == nil || !strings.Contains(err.Error(), "not a folder") {
		t.Errorf("file as folder: got %v", err)
	}
	folder := filepath.Join(t.TempDir(), "gone")
	write(t, folder, map[string]string{"a.png": ""})
	d, err := NewDirectory(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := d.Walk(t.Context(), Visitor{}); err == nil {
		t.Error("a walk through a folder that is gone ended well: all its pictures would be removed")
	}
}

func TestWalkStops(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, map[string]string{"a.png": "", "b.png": ""})
	d, err := NewDirectory(folder)
	if err != nil {
		t.Fatal(err)
	}
	stop := errors.New("stop")
	if err := d.Walk(t.Context(), Visitor{Item: func(Item) error { return stop }}); !errors.Is(err, stop) {
		t.Errorf("got %v, want the error of item", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Walk(ctx, Visitor{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestSidecarsOfAPicture(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, map[string]string{
		"metadata.jsonl": `{"file_name":"a.png","tags":["m"],"n":1,"text":"from manifest"}` + "\n" +
			`{"file_name":"sub/./b.png","n":2}` + "\n\nbroken\n" + `{"file_name":"../x.png"}`,
		"a.png": "", "a.png.json": `{"n":3,"captions":{"en":"dog"}}`, "a.json": `{"n":4}`,
		"c.jpg": "", "c.json": `[1]`,
		"d.jpg": "", "d.json/": "",
		"sub/b.png": "", "sub/metadata.csv": "file_name,artist\nb.png,Ann\nc.png\n",
	})
	f := walkAll(t, folder)
	want := map[string]Sidecar{
		"a.png":     {Metadata: map[string]any{"n": 3.0, "tags": []any{"m"}}, Captions: []Caption{{"en", "dog"}}},
		"c.jpg":     {},
		"d.jpg":     {},
		"sub/b.png": {Metadata: map[string]any{"n": 2.0, "artist": "Ann"}},
	}
	for i, name := range f.names(t, folder) {
		if got := f.items[i].Sidecar; !reflect.DeepEqual(got, want[name]) {
			t.Errorf("%s: got %+v, want %+v", name, got, want[name])
		}
	}
	var places []string
	for _, problem := range f.problems {
		name, err := filepath.Rel(folder, strings.TrimPrefix(problem.URI, "file://"))
		if err != nil {
			t.Fatal(err)
		}
		places = append(places, name)
	}
	if want := []string{"metadata.jsonl#L4", "metadata.jsonl#L5", "c.json", "sub/metadata.csv#row=3"}; !reflect.DeepEqual(places, want) {
		t.Errorf("problems at %v, want %v", places, want)
	}
}
