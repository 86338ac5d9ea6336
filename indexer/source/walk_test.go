package source

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand"
	"net"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"
)

const (
	jpegHead = "\xff\xd8\xff\xe0\x00\x10JFIF\x00"
	heicHead = "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"
	tiffHead = "II*\x00\x08\x00\x00\x00"
	forkHead = "\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X"
	movHead  = "\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  "
)

func TestContentDecides(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, map[string]string{
		"IMG_1.HEIC": heicHead, "a.avif": "", "b.jfif": jpegHead, "c.JPE": jpegHead, "d.mpo": jpegHead, "e.HIF": heicHead, "jpeg.HEIC": jpegHead,
		"no extension": jpegHead, "photo.txt": jpegHead, "picture.json": jpegHead, "photo.xyz": heicHead, "blob/ab/cdef0123": jpegHead,
		"letter.txt": "Dear all", "clip.mov": movHead, "raw.NEF": tiffHead, "scan.svs": tiffHead, "odd.xyz": "\x00\x01\x02", "odd": "\x00\x01\x02",
		"odd.a b": "\x00\x01", ".nomedia": "", "._IMG_1.JPG": forkHead, "._real.jpg": jpegHead, "settings.json": "{}", "table.csv": "a,b\n",
	})
	f := walkWith(t, folder, Rules{})
	want := []string{
		"._real.jpg", "IMG_1.HEIC", "a.avif", "b.jfif", "blob/ab/cdef0123", "c.JPE", "d.mpo", "e.HIF", "jpeg.HEIC", "no extension",
		"photo.txt", "photo.xyz", "picture.json", "scan.svs",
	}
	got := f.names(t, folder)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("pictures %q, want %q", got, want)
	}
	others := map[string]string{
		"letter.txt": "text", "clip.mov": "video", "raw.NEF": "camera's raw file", "odd.xyz": "unknown (.xyz)", "odd": "unknown", "odd.a b": "unknown",
		".nomedia": "empty file", "._IMG_1.JPG": "resource fork (AppleDouble)", "settings.json": "JSON", "table.csv": "text",
	}
	if !reflect.DeepEqual(f.others, others) || len(f.problems) != 0 {
		t.Errorf("others %v, want %v; problems %v", f.others, others, f.problems)
	}
}

// What an earlier walk found is not opened again.
func TestKnownFilesAreNotOpened(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, map[string]string{"a": jpegHead, "b.txt": "text", "c.png": "", "d": jpegHead})
	d, err := NewDirectory(folder)
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	f := walk(t, d, func(_ context.Context, items []Item) ([]string, error) {
		kinds := make([]string, len(items))
		for i, item := range items {
			asked = append(asked, path.Base(item.URI))
			kinds[i] = map[string]string{"a": "video", "b.txt": KindPicture}[path.Base(item.URI)] // which opening would refute
		}
		return kinds, nil
	})
	if want := []string{"a", "b.txt", "d"}; !slices.Equal(asked, want) {
		t.Errorf("asked about %q, want %q", asked, want)
	}
	if got := f.names(t, folder); !slices.Equal(got, []string{"b.txt", "c.png", "d"}) || f.others["a"] != "video" {
		t.Errorf("pictures %q, others %v", got, f.others)
	}
}

func TestDefaultExcludes(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, map[string]string{
		"kept.jpg": "", "@eaDir/kept.jpg/SYNO.jpg": "", "#recycle/a.jpg": "", "$Recycle.Bin/b.jpg": "", ".Trash-1000/files/c.jpg": "", ".Trashes/d.jpg": "",
		"__MACOSX/._e.jpg": "", ".thumbnails/f.jpg": "", "lost+found/g.jpg": "", ".git/h.jpg": "", "THUMBS.DB": "", ".DS_Store": "", ".trashed-17-i.jpg": "",
		"My.photoslibrary/originals/0/j.heic": "", "My.photoslibrary/resources/k.jpg": "", "My.photoslibrary/database/l.jpg": "", "cat Previews.lrdata/m.jpg": "",
		"immich/thumbs/.immich": "", "immich/thumbs/n.webp": "", "immich/upload/.immich": "", "immich/upload/o.jpg": "", "thumbs/p.jpg": "",
		".stversions/q.jpg": "", "home/.local/share/Trash/r.jpg": "", "Trash/s.jpg": "", "sub/.cache/t.png": "", "sub/lost+found": "a file",
	})
	f := walkWith(t, folder, Rules{})
	want := []string{"My.photoslibrary/originals/0/j.heic", "Trash/s.jpg", "immich/upload/o.jpg", "kept.jpg", "thumbs/p.jpg"}
	if got := f.names(t, folder); !slices.Equal(got, want) {
		t.Errorf("pictures %q, want %q", got, want)
	}
	for rule, count := range map[string]int{
		"@eaDir": 1, "#recycle": 1, "$RECYCLE.BIN": 1, trashRule: 2, ".Trashes": 1, "__MACOSX": 1, ".thumbnails": 1, "lost+found": 1, ".git": 1,
		"Thumbs.db": 1, ".DS_Store": 1, trashedRule: 1, libraryRule(".photoslibrary"): 2, previewsRule: 1, immichRule: 1, ".stversions": 1, ".cache": 1,
	} {
		if f.excluded[rule] != count {
			t.Errorf("rule %s left out %d entries, want %d; all: %v", rule, f.excluded[rule], count, f.excluded)
		}
		if !slices.Contains(DefaultExcludes(), rule) {
			t.Errorf("DefaultExcludes does not name %s", rule)
		}
	}
	if all := walkWith(t, folder, Rules{NoDefaultExcludes: true}); len(all.items) != 21 || len(all.excluded) != 0 {
		t.Errorf("without defaults: %d pictures, left out %v", len(all.items), all.excluded)
	}
	library := walkWith(t, filepath.Join(folder, "My.photoslibrary"), Rules{})
	if got := library.names(t, folder); !slices.Equal(got, []string{"My.photoslibrary/originals/0/j.heic"}) {
		t.Errorf("the library itself has %q", got)
	}
}

func TestRules(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, map[string]string{
		"a.jpg": "", "a.jpg.json": `{"n":1}`, "b.png": "", ".hidden.jpg": "", ".private/c.jpg": "", "drafts/d.jpg": "", "drafts/keep.jpg": "",
		"trip/e.jpg": "", "trip/.polylensignore": "*.png\n!good.png\n/raw/\n", "trip/f.png": "", "trip/good.png": "", "trip/raw/g.jpg": "", "trip/day/raw/h.jpg": "",
		"trip/day/.polylensignore": "!*.png\n", "trip/day/i.png": "", ".thumbnails/j.jpg": "",
	})
	all := []string{".hidden.jpg", ".private/c.jpg", "a.jpg", "b.png", "drafts/d.jpg", "drafts/keep.jpg", "trip/day/i.png", "trip/day/raw/h.jpg", "trip/e.jpg", "trip/good.png"}
	without := func(names ...string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(names, name) })
	}
	for name, test := range map[string]struct {
		rules    Rules
		want     []string
		excluded map[string]int
	}{
		"none":      {Rules{}, all, map[string]int{".thumbnails": 1, ".polylensignore *.png": 1, ".polylensignore /raw/": 1}},
		"no hidden": {Rules{NoHidden: true}, without(".hidden.jpg", ".private/c.jpg"), map[string]int{"hidden": 3}},
		"exclude":   {Rules{Exclude: []string{"drafts/*", "!keep.jpg"}}, without("drafts/d.jpg"), map[string]int{"exclude drafts/*": 1}},
		"take back": {Rules{Exclude: []string{"!.thumbnails", "!f.png"}}, append([]string{".thumbnails/j.jpg", "trip/f.png"}, all...), map[string]int{".polylensignore *.png": 0}},
		"include": {Rules{Include: []string{"a.*", "/trip/", "!h.jpg"}}, []string{"a.jpg", "trip/day/i.png", "trip/e.jpg", "trip/good.png"},
			map[string]int{notIncluded: 6}},
		"both": {Rules{Include: []string{"*.jpg"}, Exclude: []string{"trip"}}, []string{".hidden.jpg", ".private/c.jpg", "a.jpg", "drafts/d.jpg", "drafts/keep.jpg"},
			map[string]int{notIncluded: 1, "exclude trip": 1}},
	} {
		f := walkWith(t, folder, test.rules)
		got := f.names(t, folder)
		slices.Sort(got)
		slices.Sort(test.want)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: pictures %q, want %q", name, got, test.want)
		}
		for rule, count := range test.excluded {
			if f.excluded[rule] != count {
				t.Errorf("%s: rule %q left out %d, want %d; all: %v", name, rule, f.excluded[rule], count, f.excluded)
			}
		}
		for _, item := range f.items {
			if path.Base(item.URI) == "a.jpg" && item.Metadata["n"] != 1.0 {
				t.Errorf("%s: a.jpg has lost its sidecar", name)
			}
		}
	}
}

func TestRulesThatSayNothing(t *testing.T) {
	for _, rules := range []Rules{
		{Exclude: []string{"# no pattern"}}, {Include: []string{""}}, {Exclude: []string{strings.Repeat("a", 2000)}},
		{Exclude: slices.Repeat([]string{"a"}, MaxPatterns), Include: []string{"b"}},
	} {
		if _, err := NewDirectoryWith(t.TempDir(), rules); err == nil || rules.Check() == nil {
			t.Errorf("%.80v was taken", rules)
		}
	}
}

// An ignore file that cannot be used is told of; an ignore file that is no file is an entry like others.
func TestIgnoreFileThatCannotBeUsed(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, map[string]string{".polylensignore": strings.Repeat("a", 2000), "a.png": "", "sub/.polylensignore/b.png": ""})
	f := walkWith(t, folder, Rules{})
	if got := f.names(t, folder); !slices.Equal(got, []string{"a.png", "sub/.polylensignore/b.png"}) {
		t.Errorf("pictures %q", got)
	}
	if got := f.problemsOf(ProblemSidecar); len(got) != 1 || !strings.Contains(got[0], "rules are not followed") || f.metadata != 1 {
		t.Errorf("problems %q, %d files of metadata", got, f.metadata)
	}
}

func TestFollowedLinks(t *testing.T) {
	base := t.TempDir()
	folder := filepath.Join(base, "pictures")
	write(t, base, map[string]string{
		"pictures/real/a.png": "", "elsewhere/b.png": "", "elsewhere/deep/c.png": "", "single.png": "", "pictures/real/.git/x.png": "",
	})
	for link, target := range map[string]string{
		"again": "real", "away": "../elsewhere", "away2": "../elsewhere", "loop": ".", "up": "..", "single.png": "../single.png", "nowhere": "missing",
		"self": "self", "@eaDir": "../elsewhere",
	} {
		if err := os.Symlink(target, filepath.Join(folder, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../pictures", filepath.Join(base, "elsewhere", "back")); err != nil {
		t.Fatal(err)
	}
	f := walkWith(t, folder, Rules{FollowLinks: true})
	want := []string{"real/a.png", "single.png", "away/b.png", "away/deep/c.png", "up/single.png"}
	if got := f.names(t, folder); !slices.Equal(got, want) {
		t.Errorf("pictures %q, want %q", got, want)
	}
	seen := 0
	for _, about := range f.problemsOf(ProblemLink) {
		if strings.Contains(about, "looked into already") {
			seen++
		}
	}
	if seen != 6 || f.excluded["@eaDir"] != 1 { // again, away2, loop, and below up: elsewhere, pictures; back
		t.Errorf("%d links lead to what is known already: %q; left out %v", seen, f.problemsOf(ProblemLink), f.excluded)
	}
}

func TestOddEntries(t *testing.T) {
	folder := t.TempDir()
	long := strings.Repeat(strings.Repeat("写", 80)+"/", 4)
	write(t, folder, map[string]string{
		"gr\xfcn.png": "", "ordner \xe4/x.png": "", "new\nline\ttab.png": "", strings.Repeat("n", 251) + ".png": "",
		long + "写.png": "", long + "写2.png": "", "folder.jpg/c.png": "",
	})
	if err := syscall.Mkfifo(filepath.Join(folder, "pipe.jpg"), 0o600); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", filepath.Join(folder, "s.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if err := os.Symlink("pipe.jpg", filepath.Join(folder, "to a pipe.png")); err != nil {
		t.Fatal(err)
	}
	f := walkWith(t, folder, Rules{})
	if len(f.items) != 5 {
		t.Errorf("pictures %q, want 5", f.names(t, folder))
	}
	if got := f.problemsOf(ProblemSpecial); !slices.Equal(got, []string{
		"pipe.jpg: it is a pipe, not a file", "s.jpg: it is a socket, not a file", "to%20a%20pipe.png: it leads to a pipe, not to a file",
	}) {
		t.Errorf("special files: %q", got)
	}
	var uris []string
	for _, problem := range f.problems {
		if problem.Kind == ProblemName {
			uris = append(uris, problem.URI)
			if name, err := filePath(problem.URI); err != nil || !utf8.ValidString(name) || len(problem.URI) > maxURI || len(problem.URI) < maxURI-12 {
				t.Errorf("a long name was cut to %d bytes, %q, %v", len(problem.URI), name, err)
			}
		}
	}
	if len(uris) != 2 || uris[0] == uris[1] {
		t.Errorf("long names: %q", uris)
	}
}

func TestShorten(t *testing.T) {
	for n := range 12 {
		for _, unit := range []string{"a", "é", "写", "🍎", "\xff"} {
			uri := fileURI("/" + strings.Repeat("x", n) + strings.Repeat(unit, 1000) + strings.Repeat("y", 3000))
			name, err := filePath(shorten(uri))
			if err != nil || len(shorten(uri)) > maxURI || unit != "\xff" && !utf8.ValidString(name) {
				t.Errorf("%d %q: %d bytes, %v", n, unit, len(shorten(uri)), err)
			}
		}
	}
}

func TestMetadataWithoutPicture(t *testing.T) {
	folder := t.TempDir()
	lines := `{"file_name":"here.png"}` + "\n" + `{"file_name":"gone.png"}` + "\n" + `{"file_name":"notes.txt"}` + "\n"
	write(t, folder, map[string]string{
		"metadata.jsonl": lines, "metadata.csv": "file_name\nhere.png\n", "here.png": "", "here.png.json": "{}", "notes.txt": "text", "lost.JPG.json": "{}",
		"config.json": "{}", "many/metadata.csv": "file_name\n" + manyLines(150),
	})
	f := walkWith(t, folder, Rules{})
	got := f.problemsOf(ProblemSidecar)
	for _, want := range []string{`metadata.jsonl#L2: its file_name "gone.png" does not exist`, "metadata.csv: metadata.jsonl is read instead", `lost.JPG.json: "lost.JPG" does not lie beside it`,
		"metadata.csv: 150 of its lines name files that do not exist, the first 100 are listed"} {
		if !slices.Contains(got, want) {
			t.Errorf("nothing says %s: %q", want, got[:min(len(got), 5)])
		}
	}
	if len(got) != 104 || f.metadata != 5 || len(f.others) != 2 {
		t.Errorf("%d problems, %d files of metadata, others %v", len(got), f.metadata, f.others)
	}
}

func manyLines(n int) string {
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, "%03d.png\n", i)
	}
	return lines.String()
}

// Whatever lies in a folder is told once: files, and folders that are left out.
func TestEverythingIsTold(t *testing.T) {
	leftBehind := func(name string) bool { return name == ".git" || name == "@eaDir" }
	for seed := range int64(6) {
		folder := t.TempDir()
		scatter(t, rand.New(rand.NewSource(seed)), folder, 2)
		for _, test := range []struct {
			rules   Rules
			leftOut func(folder string) bool
		}{
			{Rules{}, leftBehind},
			{Rules{NoDefaultExcludes: true}, func(string) bool { return false }},
			{Rules{NoHidden: true}, func(name string) bool { return leftBehind(name) || name[0] == '.' }},
			{Rules{Include: []string{"*.png", "sub1/"}, Exclude: []string{"*.txt", "sub2"}}, func(name string) bool { return leftBehind(name) || name == "sub2" }},
		} {
			want := 0
			err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
				switch {
				case err != nil || path == folder:
					return err
				case !entry.IsDir():
					want++
				case test.leftOut(entry.Name()):
					want++
					return fs.SkipDir
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := walkWith(t, folder, test.rules).entries(); got != want || want < 20 {
				t.Errorf("seed %d, %+v: told of %d entries, %d lie there", seed, test.rules, got, want)
			}
		}
	}
}

// scatter fills a folder with some of everything.
func scatter(t *testing.T, random *rand.Rand, folder string, depth int) {
	t.Helper()
	files := []string{
		"a.png", "b.jpg", "c", "d.txt", ".e.png", "Thumbs.db", "a.png.json", "z.png.json", "f.json", "g.mov", "h.csv", "metadata.jsonl", "metadata.csv",
		".polylensignore", "\xff.png", "long " + strings.Repeat("写", 70) + ".jpg",
	}
	contents := []string{"", "text", jpegHead, movHead, "{}", "file_name\na.png\nq.png\n", `{"file_name":"a.png"}`, "*.mov\n", "\x00"}
	write(t, folder, map[string]string{"always.png": ""})
	for _, name := range files {
		if random.Intn(2) == 0 {
			write(t, folder, map[string]string{name: contents[random.Intn(len(contents))]})
		}
	}
	for _, link := range []struct{ name, target string }{{"l1.png", "always.png"}, {"l2", "."}, {"l3.png", "/nowhere"}, {"l4.json", "always.png"}} {
		if random.Intn(2) == 0 {
			if err := os.Symlink(link.target, filepath.Join(folder, link.name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if random.Intn(2) == 0 {
		if err := syscall.Mkfifo(filepath.Join(folder, "pipe.jpg"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if depth == 0 {
		return
	}
	for _, name := range []string{"sub1", "sub2", ".git", "@eaDir", ".hid", "写 " + strings.Repeat("写", 60)} {
		if random.Intn(2) == 0 || depth == 2 {
			below := filepath.Join(folder, name)
			if err := os.Mkdir(below, 0o755); err != nil {
				t.Fatal(err)
			}
			scatter(t, random, below, depth-1)
		}
	}
}
