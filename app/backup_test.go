package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"polylens/app/backup"
	"polylens/internal/needs"
	"polylens/internal/postgrestest"
)

// TestBackupWhileServing backs up while searches are answered and pictures come in, and
// restores elsewhere: every search is answered as before, and whatever was acknowledged before
// the backup began is there.
func TestBackupWhileServing(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f, dir := newFolders(t), filepath.Join(t.TempDir(), "backups")
	f.fail(t, exitFailure, []string{"nothing to back up"}, "backup", dir)
	pictures, lines := t.TempDir(), filepath.Join(t.TempDir(), "some.ndjson.gz")
	drawFolder(t, pictures, 1, 6)
	writeLines(t, lines, drawings(t, 12))
	f.succeed(t, "key", "create", "reader", "--scope", "search")
	writeFile(t, filepath.Join(f.data, "models", "mine", "notes.txt"), "a model of one's own")
	writeFile(t, filepath.Join(f.data, "models", ".pulling", "half"), "half")
	server := f.serve(t)
	server.waitReady(t)
	f.index(t, pictures)
	f.succeed(t, "index", lines, "--collection", "shop")
	busy := newBusy(t, server)
	for busy.acknowledged.Load() < 3 {
		busy.wait()
	}
	before := busy.acknowledged.Load()
	first := f.backUp(t, dir)
	second := f.backUp(t, dir)
	busy.end(t)
	if len(first.Missing)+len(second.Missing) > 0 || first.Files < 15 || second.Copied > second.Files-12 {
		t.Errorf("the backups %+v and %+v", first, second)
	}
	asked := f.answers(t)
	keys := f.succeed(t, "key", "list", "--json")
	if code := server.stop(t, syscall.SIGTERM); code != exitSuccess {
		t.Errorf("the server ended with %d:\n%s", code, server.log())
	}

	g := newFolders(t)
	if text := g.succeed(t, "restore", dir); !strings.Contains(text, second.Name) || !strings.Contains(text, "c: 6 images can be found") {
		t.Errorf("restore prints\n%s", text)
	}
	g.succeed(t, "check", "--read-data")
	if got := g.succeed(t, "key", "list", "--json"); got != keys {
		t.Errorf("the keys are %s, want %s", got, keys)
	}
	if data, err := os.ReadFile(filepath.Join(g.data, "models", "mine", "notes.txt")); err != nil || string(data) != "a model of one's own" {
		t.Errorf("the model is %q, %v", data, err)
	}
	if _, err := os.Stat(filepath.Join(g.data, "models", ".pulling")); err == nil {
		t.Error("what was half pulled is in the backup")
	}
	restored := g.serve(t)
	restored.waitReady(t)
	if got := g.answers(t); !slices.Equal(got, asked) {
		t.Errorf("the restored one answers\n%s\nwant\n%s", got, asked)
	}
	for n := range before {
		if status, data := restored.fetch(t, "/api/v1/collections/busy/images/"+busyID(int(n))+"/original"); status != http.StatusOK || !bytes.Equal([]byte(data), busy.picture) {
			t.Errorf("picture %d, acknowledged before the backup, gives %d", n, status)
		}
	}
	if code := restored.stop(t, syscall.SIGTERM); code != exitSuccess {
		t.Errorf("the restored server ended with %d:\n%s", code, restored.log())
	}
	g.fail(t, exitFailure, []string{g.data, "not empty"}, "restore", dir)
}

// backUp runs backup.
func (f folders) backUp(t *testing.T, dir string) backup.Report {
	t.Helper()
	made := objects[backup.Report](t, f.succeed(t, "backup", dir, "--json"))
	if len(made) != 1 {
		t.Fatalf("backup prints %+v", made)
	}
	return made[0]
}

// answers are those to some questions, with scores.
func (f folders) answers(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, collection := range []string{"c", "shop"} {
		for _, query := range []string{"a picture", "something red", "ein blaues Bild"} {
			all = append(all, f.succeed(t, "search", query, "--collection", collection, "--json"))
		}
	}
	return all
}

// busy searches, and sends pictures one after the other.
type busy struct {
	picture      []byte
	acknowledged atomic.Int64
	stop         context.CancelFunc
	work         sync.WaitGroup
	news         chan struct{}
	failed       atomic.Pointer[string]
}

func busyID(n int) string { return fmt.Sprintf("busy-%d", n) }

func newBusy(t *testing.T, server *server) *busy {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	b := &busy{picture: drawings(t, 1)["picture-001.png"], stop: stop, news: make(chan struct{}, 1)}
	api := "http://" + server.address + "/api/v1/collections/"
	ask := func(method, path string, body []byte, contentType string, want ...int) {
		request, err := http.NewRequestWithContext(ctx, method, api+path, bytes.NewReader(body))
		if err != nil {
			b.fail(err.Error())
			return
		}
		request.Header.Set("Content-Type", contentType)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			b.fail(err.Error())
			return
		}
		answer.Body.Close()
		if !slices.Contains(want, answer.StatusCode) {
			b.fail(fmt.Sprint(method, " ", path, ": ", answer.StatusCode))
		}
	}
	again := func(do func(n int)) {
		for n := 0; ctx.Err() == nil; n++ {
			do(n)
			time.Sleep(50 * time.Millisecond) // jobs would pile up
		}
	}
	b.work.Go(func() {
		again(func(int) {
			ask(http.MethodGet, "shop/search?q="+url.QueryEscape("something red"), nil, "", http.StatusOK)
		})
	})
	b.work.Go(func() {
		again(func(n int) {
			ask(http.MethodPut, "busy/images/"+busyID(n), b.picture, "image/png", http.StatusOK, http.StatusCreated)
			if ctx.Err() == nil {
				b.acknowledged.Add(1)
			}
			select {
			case b.news <- struct{}{}:
			default:
			}
		})
	})
	lines, err := json.Marshal(map[string]any{"op": "upsert", "id": "line", "data": b.picture})
	if err != nil {
		t.Fatal(err)
	}
	b.work.Go(func() {
		again(func(int) { ask(http.MethodPost, "pushed/jobs", lines, "application/x-ndjson", http.StatusAccepted) })
	})
	return b
}

func (b *busy) wait() { <-b.news }

// fail keeps the first failure. The end of the test is none.
func (b *busy) fail(words string) {
	if !strings.Contains(words, "context canceled") {
		b.failed.CompareAndSwap(nil, &words)
	}
}

func (b *busy) end(t *testing.T) {
	t.Helper()
	b.stop()
	b.work.Wait()
	if words := b.failed.Load(); words != nil {
		t.Errorf("during the backup: %s", *words)
	}
}

// TestRestoreRefuses: what is not as it was is named before anything is changed.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	h := newTampered(t)
	if err := h.program.close(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "backups")
	h.fail(t, exitUsage, []string{"in the data folder"}, "backup", filepath.Join(h.data, "backups-here"))
	h.fail(t, exitFailure, []string{"holds something else"}, "backup", h.pictures)
	h.fail(t, exitFailure, []string{"no folder of backups"}, "restore", h.pictures, "--data", filepath.Join(t.TempDir(), "data"))
	made := h.folders.backUp(t, dir)
	if text := h.succeed(t, "restore", dir, "--verify"); !strings.Contains(text, made.Name+" is whole") {
		t.Errorf("restore --verify prints %s", text)
	}
	if text := h.succeed(t, "restore", dir, "--list"); !strings.HasPrefix(text, made.Name) {
		t.Errorf("restore --list prints %s", text)
	}
	manifest := filepath.Join(dir, "backups", made.Name+".manifest")
	files, err := filepath.Glob(filepath.Join(dir, "files", "*", "*"))
	if err != nil || len(files) < sent+1 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	change := func(path string, how func([]byte) []byte) func(*testing.T) {
		return func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, how(bytes.Clone(data)), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := os.WriteFile(path, data, 0o600); err != nil {
					t.Error(err)
				}
			})
		}
	}
	flip := func(data []byte) []byte { data[len(data)/2] ^= 1; return data }
	short := func(data []byte) []byte { return data[:len(data)-1] }
	long := func(data []byte) []byte { return append(data, 0) }
	for name, test := range map[string]struct {
		damage func(*testing.T)
		words  []string
	}{
		"a flipped bit":        {change(files[0], flip), []string{filepath.Base(files[0]), "bytes are not those"}},
		"a file cut off":       {change(files[1], short), []string{filepath.Base(files[1]), "instead of"}},
		"a file with more":     {change(files[1], long), []string{filepath.Base(files[1]), "more than"}},
		"a manifest cut off":   {change(manifest, func(data []byte) []byte { return data[:len(data)/2] }), []string{made.Name, "manifest is damaged"}},
		"a manifest that lies": {change(manifest, flip), []string{made.Name, "manifest is damaged"}},
		"a missing file": {func(t *testing.T) {
			if err := os.Rename(files[2], files[2]+"-away"); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := os.Rename(files[2]+"-away", files[2]); err != nil {
					t.Error(err)
				}
			})
		}, []string{filepath.Base(files[2]), "missing"}},
	} {
		t.Run(name, func(t *testing.T) {
			test.damage(t)
			data := filepath.Join(t.TempDir(), "data")
			h.fail(t, exitFailure, test.words, "restore", dir, "--data", data)
			if _, err := os.Lstat(data); err == nil {
				t.Error("the data folder was made")
			}
		})
	}
	h.fail(t, exitFailure, []string{"no backup \"nope\"", made.Name}, "restore", dir, "--backup", "nope", "--data", filepath.Join(t.TempDir(), "data"))
	t.Run("a restore that fails", func(t *testing.T) {
		g := newFolders(t)
		found, err := backup.Open(t.Context(), dir, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		p := newProgram(globals{Data: g.data, DecodeMiB: 64}, terminal{out: io.Discard, err: io.Discard}, slog.New(slog.DiscardHandler))
		calls := 0
		err = p.restore(ctx, found, func(backup.Progress) {
			if calls++; calls == sent/2 {
				cancel()
			}
		})
		entries, readErr := os.ReadDir(g.data)
		if !errors.Is(err, context.Canceled) || readErr != nil || len(entries) != 1 || entries[0].Name() != "lock" {
			t.Errorf("it ends with %v and leaves %v, %v", err, entries, readErr)
		}
		g.succeed(t, "restore", dir, "--no-index")
	})
	t.Run("a restore that did not end", func(t *testing.T) {
		g := newFolders(t)
		g.succeed(t, "restore", dir, "--no-index")
		writeFile(t, filepath.Join(g.data, "restoring"), made.Name)
		g.fail(t, exitFailure, []string{g.data, "did not come to its end"}, "collection", "list")
	})
	t.Run("a picture that is gone", func(t *testing.T) {
		if err := os.Remove(filepath.Join(h.data, "pictures", filepath.FromSlash(h.gone))); err != nil {
			t.Fatal(err)
		}
		other := filepath.Join(t.TempDir(), "backups")
		got := h.run(t, "backup", other)
		checkFailureOf(t, got, exitIncomplete, "lacks 1 pictures", "push:sent 0")
		g := newFolders(t)
		g.succeed(t, "restore", other)
		if got := g.run(t, "check"); got.code != exitFailure || !strings.Contains(got.stdout, "push:sent 0") {
			t.Errorf("check ends with %d: %s", got.code, got.stdout)
		}
	})
}

// TestBackupWithPostgres: the catalogue is copied by the tools of its server; the rest comes
// back, and fits it.
func TestBackupWithPostgres(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f, g := newFolders(t), newFolders(t)
	f.env = []string{"POLYLENS_DATABASE=" + withPassword(t, postgrestest.Database(t)).String()}
	lines, dir := filepath.Join(t.TempDir(), "some.ndjson.gz"), filepath.Join(t.TempDir(), "backups")
	writeLines(t, lines, drawings(t, 4))
	server := f.serve(t)
	server.waitReady(t)
	f.succeed(t, "index", lines, "--collection", "shop")
	got := f.run(t, "backup", dir)
	if got.code != exitSuccess || !strings.Contains(got.stdout, "pg_dump") {
		t.Errorf("backup ends with %d and says %s%s", got.code, got.stdout, got.stderr)
	}
	keepsSecret(t, got.stdout+got.stderr)
	if code := server.stop(t, syscall.SIGTERM); code != exitSuccess {
		t.Errorf("the server ended with %d:\n%s", code, server.log())
	}
	g.fail(t, exitUsage, []string{"pg_restore", "--database"}, "restore", dir)
	if _, err := os.Lstat(g.data); err == nil {
		t.Error("the data folder was made")
	}
	g.env = f.env // as if the dump had been restored there
	if text := g.succeed(t, "restore", dir); !strings.Contains(text, "shop: 4 images can be found") {
		t.Errorf("restore says\n%s", text)
	}
	if text := g.succeed(t, "check", "--read-data"); !strings.HasPrefix(text, "shop: 4 images, the index agrees\n") {
		t.Errorf("check says\n%s", text)
	}
}
