package source

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A sidecar of very many small fields is cut down in one go.
func TestSidecarOfManyFields(t *testing.T) {
	var text strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&text, `,"k%d":%d`, i, i%9)
	}
	begun := time.Now()
	sidecar, err := ParseSidecar([]byte("{" + text.String()[1:] + "}"))
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
	if err == nil || len(err.Error()) > 10_000 || len(sidecar.Metadata) < 1000 {
		t.Errorf("%d fields, %.200v", len(sidecar.Metadata), err)
	}
}

// walkTold walks a folder and returns how many problems it tells of.
func walkTold(t *testing.T, folder string) (problems, pictures int) {
	t.Helper()
	directory, err := NewDirectory(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := directory.Walk(t.Context(), Visitor{
		Item:    func(Item) error { pictures++; return nil },
		Problem: func(Problem) { problems++ },
	}); err != nil {
		t.Fatal(err)
	}
	return problems, pictures
}

// cased is a name of 24 letters whose case is the bits of a number.
func cased(number int) string {
	name := []byte("abcdefghijklmnopqrstuvwx")
	for i := range name {
		if number>>i&1 != 0 {
			name[i] -= 'a' - 'A'
		}
	}
	return string(name) + ".jpg"
}

// Lines, and pictures, whose names differ in case alone are not compared one by one.
func TestNamesEqualButForCase(t *testing.T) {
	folder := t.TempDir()
	var lines strings.Builder
	const names, files = 200_000, 300
	for i := range names {
		fmt.Fprintf(&lines, "{\"file_name\":\"%s\"}\n", cased(i))
	}
	write(t, folder, map[string]string{"metadata.jsonl": lines.String()})
	for i := range files {
		write(t, folder, map[string]string{cased(names + i): "x"})
	}
	begun := time.Now()
	problems, pictures := walkTold(t, folder)
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	if pictures != files || problems == 0 || problems > 500 {
		t.Errorf("%d pictures, %d problems", pictures, problems)
	}
}

// Lines that cannot be used are told of one by one only as long as somebody may read
// them.
func TestManifestOfBadLines(t *testing.T) {
	for name, text := range map[string]string{
		"metadata.jsonl": strings.Repeat("x\n", 300_000),
		"metadata.csv":   "file_name,a\n" + strings.Repeat("x.jpg\n", 300_000),
	} {
		folder := t.TempDir()
		write(t, folder, map[string]string{name: text})
		begun := time.Now()
		if problems, _ := walkTold(t, folder); problems == 0 || problems > 500 {
			t.Errorf("%s: %d problems", name, problems)
		}
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("%s: it took %v", name, took)
		}
	}
}

// A row repeats the names of all columns, however short it is itself.
func TestTableOfManyColumns(t *testing.T) {
	folder := t.TempDir()
	header := "file_name"
	const columns = 3000
	for i := range columns {
		header += fmt.Sprintf(",a column with a rather long name %d", i)
	}
	var rows strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&rows, "%d.jpg%s\n", i, strings.Repeat(",", columns))
	}
	write(t, folder, map[string]string{"metadata.csv": header + "\n" + rows.String()})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	walkTold(t, folder)
	runtime.ReadMemStats(&after)
	if n := (after.HeapSys - before.HeapSys) >> 20; n > 1200 {
		t.Errorf("it takes %d MiB", n)
	}
	var names strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&names, ",%d", i)
	}
	write(t, folder, map[string]string{"metadata.csv": "file_name" + strings.Repeat(",a", 1000) + names.String() + "\n"})
	begun := time.Now()
	problems, _ := walkTold(t, folder)
	if took := time.Since(begun); took > 5*time.Second || problems == 0 || problems > 500 {
		t.Errorf("%d problems in %v", problems, took)
	}
}

// JSON of Takeout whose names were cut is found by name, not by looking at all.
func TestManyCutNamesOfTakeout(t *testing.T) {
	folder := t.TempDir()
	const files = 4000
	for i := range files {
		name := fmt.Sprintf("%046d", i)
		write(t, folder, map[string]string{name + ".json": "{}", name + "-and-so-on.jpg": "x"})
	}
	begun := time.Now()
	if _, pictures := walkTold(t, folder); pictures != files {
		t.Errorf("%d pictures", pictures)
	}
	t.Log(time.Since(begun))
}

// Folders below one another so deep that no file in them could be indexed are not looked
// into.
func TestDeepFolders(t *testing.T) {
	top := t.TempDir()
	root, err := os.OpenRoot(top)
	if err != nil {
		t.Fatal(err)
	}
	for range 3000 {
		if err := root.Mkdir("dd", 0o700); err != nil {
			t.Fatal(err)
		}
		next, err := root.OpenRoot("dd")
		if err != nil {
			t.Fatal(err)
		}
		_ = root.Close()
		root = next
	}
	_ = root.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	problems, _ := walkTold(t, top)
	runtime.ReadMemStats(&after)
	// Some 60 MiB, and 300 where all are looked into: unlike the time that it takes, that
	// does not depend on what else the machine does.
	if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 120 || problems != 1 {
		t.Errorf("%d problems, %d MiB", problems, took)
	}
}

// All tables that a picture is looked up in are in memory together: those of folders in
// folders have one bound, and a table beyond it is not even read.
func TestTablesOfFoldersInFolders(t *testing.T) {
	folder := t.TempDir()
	for name, size := range map[string]int64{"a": 200 << 20, "a/b": 100 << 20, "a/b/c": 1 << 40, "a/b/c/d": 0} {
		inside := filepath.Join(folder, name)
		write(t, inside, map[string]string{"metadata.jsonl": `{"file_name":"x.jpg","of":"` + name + `"}` + "\n", "x.jpg": "x"})
		if size > 0 { // of zeros, which take no room on the disk
			if err := os.Truncate(filepath.Join(inside, "metadata.jsonl"), size); err != nil {
				t.Fatal(err)
			}
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	found := walkAll(t, folder)
	runtime.ReadMemStats(&after)
	if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 400 {
		t.Errorf("it took %d MiB", took)
	}
	refused := 0
	for _, problem := range found.problems {
		if strings.Contains(problem.Err.Error(), "tables of the folders around it") {
			refused++
		}
	}
	if refused != 2 || len(found.items) != 4 {
		t.Errorf("%d tables are refused, of 2 that are too large; %d pictures: %v", refused, len(found.items), found.problems)
	}
	for _, item := range found.items {
		of := map[string]string{"a": "a", "d": "a/b/c/d"}[filepath.Base(filepath.Dir(item.Path))]
		if of != "" && item.Metadata["of"] != of {
			t.Errorf("%s has the metadata %v", item.Path, item.Metadata)
		}
	}
}
