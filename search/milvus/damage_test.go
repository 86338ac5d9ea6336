package milvus

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/internal/hardened"
	"polylens/search"
)

// eachFile calls change for the files below a folder of a data folder, and fails when
// there are none.
func eachFile(t *testing.T, folder string, change func(path string, size int64) error) {
	t.Helper()
	changed := 0
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil || info.Size() == 0 {
			return err
		}
		changed++
		return change(path, info.Size())
	})
	if err != nil || changed == 0 {
		t.Fatalf("%d files below %s, %v", changed, folder, err)
	}
}

func noise(path string, size int64) error {
	random := rand.New(rand.NewPCG(1, uint64(size)))
	content := make([]byte, min(size, 1<<20))
	for i := range content {
		content[i] = byte(random.Uint32())
	}
	return os.WriteFile(path, content, 0o600)
}

func half(path string, size int64) error { return os.Truncate(path, size/2) }
func gone(path string, _ int64) error    { return os.Remove(path) }

// ways in which the data folder of a server that does not run is damaged.
var ways = []struct {
	name    string
	folder  string // within the data folder
	change  func(path string, size int64) error
	renewed bool
	rows    int // that are left of 550; -1 where the collection cannot be read
}{
	{"etcd noise", "etcd", noise, true, 0},
	{"etcd truncated", "etcd", half, true, 0},
	{"log truncated", "rocksmq", half, true, 0},
	{"log gone", "rocksmq", gone, false, 500},
	{"segments gone", "storage", gone, false, -1},
}

// TestDamagedData: a server that cannot live with its data folder gets an empty one and
// the old one is kept; what is lost within a folder that it can live with is noticed.
func TestDamagedData(t *testing.T) {
	needServer(t)
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			data := filepath.Join(t.TempDir(), "[milvus]*") // nothing special in a name
			key := fillAndKill(t, data)
			eachFile(t, filepath.Join(data, way.folder), way.change)
			var renewed []Aside
			server := startServer(t, ServerOptions{Data: data, StartTimeout: 4 * time.Minute, Renewed: func(a Aside) { renewed = append(renewed, a) }})
			if len(renewed) == 1 != way.renewed {
				t.Fatalf("set aside: %+v", renewed)
			}
			checkAside(t, data, renewed)
			index := connectWith(t, server, func(c *Config) { c.StallAfter = 2 * time.Second })
			switch {
			case way.renewed:
				if n, err := count(t.Context(), index, key); !errors.Is(err, catalog.ErrCollectionNotFound) {
					t.Errorf("the fresh server: %d rows, %v", n, err)
				}
			case way.rows < 0:
				checkUnreadable(t, index, key)
			default:
				eventually(t, time.Minute, func() error { return wantCount(t, index, key, way.rows) })
			}
		})
	}
}

// TestLostPassword: a server that nobody can enter any more gets an empty folder.
func TestLostPassword(t *testing.T) {
	needServer(t)
	t.Parallel()
	if !under(t, hardened.Namespaces, hardened.Listeners) { // only there it needs a password
		return
	}
	data := filepath.Join(t.TempDir(), "milvus")
	startServer(t, ServerOptions{Data: data, Expose: true}).kill()
	if err := os.Remove(filepath.Join(data, "password")); err != nil {
		t.Fatal(err)
	}
	var renewed []Aside
	server := startServer(t, ServerOptions{Data: data, Expose: true, Renewed: func(a Aside) { renewed = append(renewed, a) }})
	if len(renewed) != 1 || !errors.Is(renewed[0].Reason, errLocked) {
		t.Errorf("set aside: %+v", renewed)
	}
	checkAside(t, data, renewed)
	fill(t, connect(t, server), 3)
}

// fillAndKill fills a collection with 500 rows on the disk and 50 in the log.
func fillAndKill(t *testing.T, data string) search.Key {
	t.Helper()
	server := startServer(t, ServerOptions{Data: data})
	index := connect(t, server)
	key := fill(t, index, 500)
	if err := errors.Join(index.Flush(t.Context()), index.WaitIndexed(t.Context(), key)); err != nil {
		t.Fatal(err)
	}
	rows := make([]search.Row, 50)
	for i := range rows {
		rows[i] = search.Row{ID: fmt.Sprint("later", i), Vector: []float32{0, 1}}
	}
	if err := index.Upsert(t.Context(), key, rows); err != nil {
		t.Fatal(err)
	}
	server.kill()
	return key
}

func wantCount(t *testing.T, index *Index, key search.Key, want int) error {
	n, err := index.Count(t.Context(), key)
	if err == nil && n != want {
		t.Fatalf("%d rows, want %d", n, want)
	}
	return err
}

// checkUnreadable: a collection whose segments are gone is told from one that is being
// loaded, and can be dropped and filled again.
func checkUnreadable(t *testing.T, index *Index, key search.Key) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		_, err := index.Count(t.Context(), key)
		switch {
		case errors.Is(err, search.ErrUnreadable):
			return nil
		case errors.Is(err, search.ErrUnavailable):
			return err
		}
		t.Fatalf("neither unreadable nor unavailable: %v", err)
		return nil
	})
	if err := index.Drop(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	fill(t, index, 300)
	eventually(t, time.Minute, func() error { return wantCount(t, index, key, 300) })
	eventually(t, time.Minute, func() error {
		_, err := index.Search(t.Context(), key.Collection, search.Query{Vector: []float32{1, 0}, Limit: 1})
		return err
	})
}

// checkAside expects what was set aside to be listed, and to hold the old data.
func checkAside(t *testing.T, data string, renewed []Aside) {
	t.Helper()
	listed, err := SetAside(data)
	if err != nil || len(listed) != len(renewed) {
		t.Fatalf("listed are %+v, %v", listed, err)
	}
	for i, aside := range renewed {
		if _, err := os.Stat(filepath.Join(aside.Folder, "etcd")); err != nil || listed[i].Folder != aside.Folder || aside.Bytes < 1000 || aside.Reason == nil {
			t.Errorf("set aside is %+v, listed %+v, %v", aside, listed[i], err)
		}
	}
	if _, err := os.Stat(data + "-trial"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the trial has left its folder: %v", err)
	}
}

// TestInnocentDataStays: whatever else may be at fault, the data folder is not set aside.
func TestInnocentDataStays(t *testing.T) {
	needServer(t)
	for name, test := range map[string]struct{ script, words string }{
		"dies with an empty folder, too": {"echo panic: no such instruction >&2; exit 2", "empty data folder either"},
		"killed":                         {"kill -9 $$", "killed"},
		"terminated":                     {"kill -15 $$", "terminated"},
		"no room":                        {"echo panic: write: no space left on device >&2; exit 2", "no space left"},
		"no memory":                      {"echo fatal error: runtime: out of memory >&2; exit 2", "out of memory"},
		"no files":                       {"echo panic: open: too many open files >&2; exit 2", "too many open files"},
		"not allowed":                    {"echo panic: open etcd: permission denied >&2; exit 2", "permission denied"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := usedFolder(t, t.TempDir())
			_, err := Start(t.Context(), ServerOptions{Folder: scripted(t, test.script), Data: data, Renewed: func(a Aside) { t.Errorf("set aside: %+v", a) }})
			if !errors.Is(err, ErrAway) || !strings.Contains(err.Error(), test.words) {
				t.Errorf("started: %v", err)
			}
			checkAside(t, data, nil)
			if _, err := os.Stat(filepath.Join(data, "etcd", "member")); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAsideHasABound: folders that are set aside must not fill the disk.
func TestAsideHasABound(t *testing.T) {
	needServer(t)
	data := usedFolder(t, t.TempDir())
	for i := range mostAside {
		if err := os.Mkdir(data+asideMark+fmt.Sprint(i), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	// With an empty folder it would live, for all that is known.
	script := "test -e etcd/member || exec sleep 60; echo panic: broken >&2; exit 2"
	_, err := Start(t.Context(), ServerOptions{Folder: scripted(t, script), Data: data, StartTimeout: 10 * time.Second})
	if err == nil || !strings.Contains(err.Error(), "were set aside before") {
		t.Errorf("started: %v", err)
	}
}

// usedFolder is a data folder in which a server seems to have worked.
func usedFolder(t *testing.T, below string) string {
	t.Helper()
	data := filepath.Join(below, "milvus")
	if err := errors.Join(os.MkdirAll(filepath.Join(data, "etcd"), 0o700), os.WriteFile(filepath.Join(data, "etcd", "member"), []byte("x"), 0o600)); err != nil {
		t.Fatal(err)
	}
	return data
}

// scripted is an unpacked server whose program is a script.
func scripted(t *testing.T, script string) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, binary), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}
