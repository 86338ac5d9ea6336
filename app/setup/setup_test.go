package setup

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// bench is a cache, a registry client that does what the test says, and one
// small item.
type bench struct {
	t       *testing.T
	cache   string
	archive string // what a client should deliver
	calls   string // one line a call of the client
	item    Item
}

// newBench puts fake clients, both with this shell body, first into PATH.
// The body finds the archive in $ARCHIVE and the folder to fill in $DEST.
func newBench(t *testing.T, registry, body string) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{t: t, cache: filepath.Join(dir, "cache"), archive: filepath.Join(dir, "thing-1.0.tgz"), calls: filepath.Join(dir, "calls")}
	content := tarball(t, map[string]string{"package/data.txt": strings.Repeat("data ", 1000), "package/more/file": "more"})
	put(t, b.archive, content, 0o644)
	put(t, b.calls, nil, 0o644)
	bin := filepath.Join(dir, "bin")
	script := "#!/bin/sh\necho \"$@\" >> " + b.calls + "\nARCHIVE=" + b.archive + "\n" +
		"while [ $# -gt 0 ]; do case $1 in --pack-destination|--dest) DEST=$2;; esac; shift; done\n" + body + "\n"
	put(t, filepath.Join(bin, "npm"), []byte(script), 0o755)
	put(t, filepath.Join(bin, "python3"), []byte(script), 0o755)
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	sum := sha256.Sum256(content)
	b.item = Item{Name: "thing", Version: "1.0", Env: "POLYLENS_THING", Flag: "--thing", Entry: "data.txt",
		packages: map[string]Package{"any": {Registry: registry, Name: "thing", Version: "1.0", File: "thing-1.0.tgz",
			Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:]), Tags: [4]string{"linux", "3.12", "py", "none"}}},
		unpack: func(ctx context.Context, archive, dir, _ string) error {
			return eachInTarball(ctx, archive, writerBelow(ctx, dir))
		},
	}
	return b
}

func (b *bench) setup(options Options) *Setup {
	options.Cache = b.cache
	s := New(options)
	s.items = []Item{b.item}
	return s
}

func (b *bench) called() int {
	data, err := os.ReadFile(b.calls)
	if err != nil {
		b.t.Fatal(err)
	}
	return bytes.Count(data, []byte("\n"))
}

// clean fails the test when something half done is left in the cache.
func (b *bench) clean() {
	b.t.Helper()
	for _, folder := range []string{"items", "tmp"} {
		entries, err := os.ReadDir(filepath.Join(b.cache, folder))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			b.t.Fatal(err)
		}
		if len(entries) > 0 {
			b.t.Errorf("%s holds %v", folder, entries)
		}
	}
}

func TestEnsureFetchesOnce(t *testing.T) {
	for _, registry := range []string{Npm, PyPI} {
		t.Run(registry, func(t *testing.T) {
			b := newBench(t, registry, `cp "$ARCHIVE" "$DEST"`)
			var stages []string
			s := b.setup(Options{Progress: func(e Event) { stages = append(stages, e.Stage) }})
			if _, err := s.Status("thing"); !errors.Is(err, ErrMissing) {
				t.Errorf("Status before = %v", err)
			}
			for i, source := range []string{SourceFetched, SourceCache} {
				ready, err := s.Ensure(t.Context(), "thing")
				if err != nil || ready[0].Source != source {
					t.Fatalf("run %d: Ensure = %+v, %v", i, ready, err)
				}
				if data, err := os.ReadFile(ready[0].Path); err != nil || !strings.HasPrefix(string(data), "data data") {
					t.Errorf("run %d: content %.20q, %v", i, data, err)
				}
			}
			if b.called() != 1 {
				t.Errorf("the client ran %d times", b.called())
			}
			if got, want := strings.Join(stages, " "), "fetch fetched unpack unpacked ready ready"; got != want {
				t.Errorf("stages %q, want %q", got, want)
			}
		})
	}
}

func TestEnsureRefusesBadDeliveries(t *testing.T) {
	for name, test := range map[string]struct {
		body, want string
		calls      int
	}{
		"other content":      {`head -c "$(wc -c < "$ARCHIVE")" /dev/zero > "$DEST/thing-1.0.tgz"`, "does not match its pinned checksum", 1},
		"half of it":         {`head -c 60 "$ARCHIVE" > "$DEST/thing-1.0.tgz"`, "size 60 instead of", 1},
		"empty":              {`: > "$DEST/thing-1.0.tgz"`, "size 0 instead of", 1},
		"another name":       {`cp "$ARCHIVE" "$DEST/other.tgz"`, "the client delivered no thing-1.0.tgz", 1},
		"failure":            {"echo noise; echo 'ERROR: no route to the registry' >&2; echo bye; exit 3", "exit status 3: ERROR: no route to the registry", 2},
		"failure in silence": {"exit 1", "it said nothing", 2},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, Npm, test.body)
			_, err := b.setup(Options{}).Ensure(t.Context(), "thing")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want one with %q", err, test.want)
			}
			for _, remedy := range []string{"--thing", "POLYLENS_THING", "setup --from"} {
				if !strings.Contains(err.Error(), remedy) {
					t.Errorf("error %q does not name %s", err, remedy)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q has several lines", err)
			}
			if b.called() != test.calls {
				t.Errorf("the client ran %d times, want %d", b.called(), test.calls)
			}
			b.clean()
		})
	}
}

func TestEnsureSucceedsAtTheSecondTry(t *testing.T) {
	b := newBench(t, PyPI, `[ "$(wc -l < `+"$(dirname \"$ARCHIVE\")/calls"+`)" -gt 1 ] || exit 1; cp "$ARCHIVE" "$DEST"`)
	if _, err := b.setup(Options{}).Ensure(t.Context(), "thing"); err != nil {
		t.Error(err)
	}
}

func TestEnsureWithoutClients(t *testing.T) {
	for registry, want := range map[string]string{Npm: "install Node.js", PyPI: "install Python 3 with pip"} {
		b := newBench(t, registry, "")
		t.Setenv("PATH", t.TempDir())
		if _, err := b.setup(Options{}).Ensure(t.Context(), "thing"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", registry, err, want)
		}
		b.clean()
	}
}

func TestPythonWithoutPip(t *testing.T) {
	b := newBench(t, PyPI, `case $0 in *python3) echo "python3: No module named pip" >&2; exit 1;; esac; cp "$ARCHIVE" "$DEST"`)
	script, err := os.ReadFile(filepath.Join(filepath.Dir(b.archive), "bin", "python3"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(filepath.Dir(b.archive), "bin", "pip3"), script, 0o755)
	if _, err := b.setup(Options{}).Ensure(t.Context(), "thing"); err != nil {
		t.Error(err)
	}
}

func TestCancelEndsTheClient(t *testing.T) {
	b := newBench(t, Npm, `sleep 60 & echo $! > "$(dirname "$ARCHIVE")/child"; wait`)
	ctx, cancel := context.WithCancel(t.Context())
	child := filepath.Join(filepath.Dir(b.archive), "child")
	go func() {
		for ctx.Err() == nil {
			if data, err := os.ReadFile(child); err == nil && len(data) > 0 {
				cancel()
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	start := time.Now()
	if _, err := b.setup(Options{}).Ensure(ctx, "thing"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	pid, err := os.ReadFile(child)
	if err != nil {
		t.Fatal(err)
	}
	waitGone(t, strings.TrimSpace(string(pid)))
	b.clean()
}

func TestConcurrentSetupsFetchOnce(t *testing.T) {
	b := newBench(t, Npm, `sleep 0.3; cp "$ARCHIVE" "$DEST"`)
	var waits sync.Map
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			s := b.setup(Options{Progress: func(e Event) { waits.Store(e.Stage, true) }})
			if _, err := s.Ensure(t.Context(), "thing"); err != nil {
				t.Errorf("setup %d: %v", i, err)
			}
		})
	}
	group.Wait()
	if b.called() != 1 {
		t.Errorf("the client ran %d times", b.called())
	}
	if _, waited := waits.Load(StageWait); !waited {
		t.Error("nobody said that it waits")
	}
}

func TestRepair(t *testing.T) {
	damage := map[string]func(folder string) error{
		"a file is gone":      func(folder string) error { return os.Remove(filepath.Join(folder, "more/file")) },
		"a file is cut":       func(folder string) error { return os.Truncate(filepath.Join(folder, "data.txt"), 3) },
		"the stamp is gone":   func(folder string) error { return os.Remove(filepath.Join(folder, stampName)) },
		"the stamp is broken": func(folder string) error { return os.WriteFile(filepath.Join(folder, stampName), []byte("{"), 0o644) },
	}
	for name, break_ := range damage {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, Npm, `cp "$ARCHIVE" "$DEST"`)
			s := b.setup(Options{})
			ready, err := s.Ensure(t.Context(), "thing")
			if err != nil {
				t.Fatal(err)
			}
			if err := break_(filepath.Dir(ready[0].Path)); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Status("thing"); !errors.Is(err, ErrMissing) {
				t.Errorf("Status of the damaged item = %v", err)
			}
			if ready, err = s.Ensure(t.Context(), "thing"); err != nil || ready[0].Source != SourceFetched {
				t.Errorf("Ensure = %+v, %v", ready, err)
			}
		})
	}
}

func TestInterruptedUnpackIsSweptAndRepeated(t *testing.T) {
	b := newBench(t, Npm, `cp "$ARCHIVE" "$DEST"`)
	unpack := b.item.unpack
	b.item.unpack = func(_ context.Context, _, dir, _ string) error {
		put(t, filepath.Join(dir, "data.txt"), []byte("half"), 0o644)
		return errors.New("the power went out")
	}
	if _, err := b.setup(Options{}).Ensure(t.Context(), "thing"); err == nil {
		t.Fatal("a failed unpack is no error")
	}
	b.clean()
	// A killed process cannot tidy up: the next one does.
	put(t, filepath.Join(b.cache, "tmp", "thing-killed", "content", "data.txt"), []byte("half"), 0o644)
	b.item.unpack = unpack
	if _, err := b.setup(Options{}).Ensure(t.Context(), "thing"); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(filepath.Join(b.cache, "tmp")); err != nil || len(entries) > 0 {
		t.Errorf("tmp holds %v, %v", entries, err)
	}
}

func TestFrom(t *testing.T) {
	b := newBench(t, Npm, "exit 1")
	s := b.setup(Options{From: filepath.Dir(b.archive)})
	if _, err := s.Ensure(t.Context(), "thing"); err != nil {
		t.Fatal(err)
	}
	if b.called() != 0 {
		t.Error("the client ran although the package is at hand")
	}
	b = newBench(t, Npm, "exit 1")
	put(t, b.archive, []byte("forged"), 0o644)
	if _, err := b.setup(Options{From: filepath.Dir(b.archive)}).Ensure(t.Context(), "thing"); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("a forged package at hand: %v", err)
	}
}

func TestGiven(t *testing.T) {
	b := newBench(t, Npm, "exit 1")
	s := b.setup(Options{Given: map[string]string{"thing": b.archive}})
	if ready, err := s.Ensure(t.Context(), "thing"); err != nil || ready[0].Path != b.archive || ready[0].Source != SourceGiven {
		t.Errorf("Ensure = %+v, %v", ready, err)
	}
	s = b.setup(Options{Given: map[string]string{"thing": "/no/such/thing"}})
	if _, err := s.Ensure(t.Context(), "thing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing copy: %v", err)
	}
	if b.called() != 0 {
		t.Error("the client ran although a copy is given")
	}
}

func TestUnsupportedAndUnknown(t *testing.T) {
	b := newBench(t, Npm, "exit 1")
	b.item.packages = map[string]Package{"plan9/mips": {}}
	_, err := b.setup(Options{}).Ensure(t.Context(), "thing")
	if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "--thing") {
		t.Errorf("unsupported: %v", err)
	}
	if _, err := b.setup(Options{}).Ensure(t.Context(), "nothing"); err == nil || !strings.Contains(err.Error(), "there are thing") {
		t.Errorf("unknown: %v", err)
	}
}

func TestOptional(t *testing.T) {
	b := newBench(t, Npm, "exit 1")
	b.item.Optional = true
	var skipped []Event
	options := Options{Progress: func(e Event) {
		if e.Stage == StageSkipped {
			skipped = append(skipped, e)
		}
	}}
	ready, err := b.setup(options).Ensure(t.Context(), "thing")
	if err != nil || len(ready) != 0 {
		t.Errorf("ready %v, error %v", ready, err)
	}
	if len(skipped) != 1 || skipped[0].Err == nil || !strings.Contains(skipped[0].String(), "done without") {
		t.Errorf("events %v", skipped)
	}
	options.Given = map[string]string{"thing": filepath.Join(t.TempDir(), "absent")}
	if _, err := b.setup(options).Ensure(t.Context(), "thing"); err == nil {
		t.Error("a copy that was named and is missing is passed over")
	}
}

func TestTable(t *testing.T) {
	known := map[string]bool{"": true}
	for _, item := range Items() {
		if known[item.Name] || !known[item.Needs] {
			t.Errorf("%s: its name stands twice, or it stands before what it needs", item.Name)
		}
		known[item.Name] = true
		if item.Purpose == "" || item.Licence == "" || item.Env == "" || item.unpack == nil {
			t.Errorf("%s is not complete: %+v", item.Name, item)
		}
		for machine, pkg := range item.packages {
			sum, err := hex.DecodeString(pkg.SHA256)
			if err != nil || len(sum) != sha256.Size || pkg.Size == 0 || !strings.Contains(pkg.File, pkg.Version) {
				t.Errorf("%s for %s: %+v, %v", item.Name, machine, pkg, err)
			}
		}
	}
	if got, want := fmt.Sprint(Default(false)), "[onnxruntime turbojpeg openjpeg milvus cldr demo]"; got != want {
		t.Errorf("Default = %s, want %s", got, want)
	}
}

// waitGone fails the test unless the process ends soon.
func waitGone(t *testing.T, pid string) {
	t.Helper()
	for range 200 {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %s still runs", pid)
}

func tarball(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var data bytes.Buffer
	packed := gzip.NewWriter(&data)
	archive := tar.NewWriter(packed)
	for name, content := range files {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), packed.Close()); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

func put(t testing.TB, name string, content []byte, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content, mode); err != nil {
		t.Fatal(err)
	}
}
