package upload

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/internal/disk"
)

func roomy(int64) error { return nil }

func newStore(t *testing.T, folder string, limits Limits) *Store {
	t.Helper()
	blobs, err := blob.OpenFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blobs.Close() })
	return New(blobs, limits, roomy)
}

func begin(t *testing.T, s *Store, owner string, size int64) Upload {
	t.Helper()
	u, err := s.Create(t.Context(), About{Collection: "c", Owner: owner, Size: size})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// broken gives some bytes and then an error.
type broken struct{ left io.Reader }

func (b broken) Read(into []byte) (int, error) {
	n, err := b.left.Read(into)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// TestUploadInPieces: a file comes in pieces of any size over lines that break, to processes
// that are new each time, and is whole in the end, wherever it is read.
func TestUploadInPieces(t *testing.T) {
	folder := t.TempDir()
	random := rand.New(rand.NewPCG(19, 7))
	content := make([]byte, 3*partBytes+12345)
	for i := range content {
		content[i] = byte(random.Uint32())
	}
	id := begin(t, newStore(t, folder, Limits{}), "k", int64(len(content))).ID
	for {
		s := newStore(t, folder, Limits{})
		u, err := s.Find(t.Context(), "c", id)
		if err != nil {
			t.Fatal(err)
		}
		if u.Finished() {
			break
		}
		if _, err := s.Open(t.Context(), "c", id); !errors.Is(err, catalog.ErrConflict) {
			t.Errorf("an upload that is not finished is read: %v", err)
		}
		piece := content[u.Offset:min(int64(len(content)), u.Offset+1+random.Int64N(2*partBytes))]
		before := u.Offset
		kept, err := s.Append(t.Context(), &u, broken{bytes.NewReader(piece)})
		if kept != int64(len(piece)) || u.Offset != before+kept || err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("%d of %d bytes are kept: %v", kept, len(piece), err)
		}
	}
	file, err := newStore(t, folder, Limits{}).Open(t.Context(), "c", id)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	whole, err := io.ReadAll(file)
	if err != nil || !bytes.Equal(whole, content) {
		t.Errorf("%d bytes are read: %v", len(whole), err)
	}
	window := blob.NewWindow(file)
	for range 50 {
		at := random.Int64N(int64(len(content)))
		some := make([]byte, min(random.Int64N(1<<20), int64(len(content))-at))
		if _, err := window.ReadAt(some, at); err != nil || !bytes.Equal(some, content[at:at+int64(len(some))]) {
			t.Fatalf("%d bytes at %d differ: %v", len(some), at, err)
		}
	}
}

// child, when set, is the folder of an upload that the test binary adds to until it is
// killed, childUpload its ID.
const child, childUpload = "POLYLENS_TEST_UPLOAD_CHILD", "POLYLENS_TEST_UPLOAD_ID"

func TestMain(m *testing.M) {
	folder := os.Getenv(child)
	if folder == "" {
		os.Exit(m.Run())
	}
	blobs, err := blob.OpenFolder(folder)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	s := New(blobs, Limits{}, roomy)
	u, err := s.Find(ctx, "c", os.Getenv(childUpload))
	if err != nil {
		panic(err)
	}
	if _, err := s.Append(ctx, &u, endless{}); err != nil {
		panic(err)
	}
}

// endless is a file without an end.
type endless struct{}

func (endless) Read(into []byte) (int, error) { return len(into), nil }

// TestKilled: a process that is killed while it receives loses no more than a part, and what
// it has kept counts.
func TestKilled(t *testing.T) {
	folder := t.TempDir()
	s := newStore(t, folder, Limits{})
	u := begin(t, s, "k", 1<<40>>5)
	last := int64(0)
	for range 3 {
		process := exec.Command(os.Args[0])
		process.Env = append(os.Environ(), child+"="+folder, childUpload+"="+u.ID)
		process.Stderr = t.Output()
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			names, _ := filepath.Glob(filepath.Join(folder, "uploads", "parts", u.ID, strings.Repeat("[0-9]", 16)))
			if int64(len(names)) > last/partBytes+2 {
				break
			}
		}
		_ = process.Process.Kill()
		_ = process.Wait() // it was killed
		found, err := s.Find(t.Context(), "c", u.ID)
		if err != nil || found.Offset <= last || found.Offset%partBytes != 0 {
			t.Fatalf("%d bytes are kept after %d: %v", found.Offset, last, err)
		}
		last = found.Offset
	}
}

// TestBounds: number and bytes are bounded for each owner and for all, and so is what the
// disk has.
func TestBounds(t *testing.T) {
	s := newStore(t, t.TempDir(), Limits{Bytes: 100, Uploads: 2, OwnerBytes: 150, AllUploads: 3, AllBytes: 240})
	first := begin(t, s, "a", 100)
	refused := func(owner string, size int64) {
		t.Helper()
		var full *LimitError
		if _, err := s.Create(t.Context(), About{Collection: "c", Owner: owner, Size: size}); !errors.As(err, &full) {
			t.Errorf("%d bytes of %s: %v", size, owner, err)
		}
	}
	refused("a", 51)
	begin(t, s, "a", 50)
	refused("a", 0)
	refused("b", 100)
	refused("b", 91)
	begin(t, s, "b", 1)
	refused("c", 1)
	if err := s.Delete(t.Context(), "c", first.ID); err != nil {
		t.Fatal(err)
	}
	begin(t, s, "c", 1)
	for _, wrong := range []About{{Collection: "c", Size: 101}, {Collection: "c", Size: -1}, {Collection: "C", Size: 1}} {
		if _, err := s.Create(t.Context(), wrong); !errors.Is(err, catalog.ErrInvalid) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
	s = newStore(t, t.TempDir(), Limits{})
	s.room = func(int64) error { return disk.ErrFull }
	if _, err := s.Create(t.Context(), About{Collection: "c", Owner: "d", Size: 1}); !errors.Is(err, disk.ErrFull) {
		t.Errorf("without room: %v", err)
	}
}

// TestOtherCollections: an upload exists for its own collection alone, and names of none do
// no harm.
func TestOtherCollections(t *testing.T) {
	s := newStore(t, t.TempDir(), Limits{})
	u := begin(t, s, "a", 0)
	for _, call := range [][2]string{{"d", u.ID}, {"c", "x"}, {"c", "../" + u.ID}, {"c", ""}, {"c", "00000000-0000-0000-0000-000000000000"}} {
		_, err := s.Find(t.Context(), call[0], call[1])
		_, openErr := s.Open(t.Context(), call[0], call[1])
		if !errors.Is(err, catalog.ErrNotFound) || !errors.Is(openErr, catalog.ErrNotFound) || !errors.Is(s.Delete(t.Context(), call[0], call[1]), catalog.ErrNotFound) {
			t.Errorf("%q: %v", call, err)
		}
	}
	if _, err := s.Open(t.Context(), "c", u.ID); err != nil {
		t.Error(err)
	}
}

// TestCollect removes what is used or over, and the remains of what a process left when it
// died, and nothing else.
func TestCollect(t *testing.T) {
	folder := t.TempDir()
	s := newStore(t, folder, Limits{})
	now := time.Now()
	state := map[string]State{"open": Open, "done": Done, "idle": Idle}
	want := make(map[string]bool)
	for _, c := range []struct {
		use  []string
		old  bool
		stay bool
	}{
		{nil, false, true}, {nil, true, false}, {[]string{"open"}, true, true}, {[]string{"done"}, false, false},
		{[]string{"done", "open"}, false, true}, {[]string{"idle"}, false, true}, {[]string{"idle"}, true, false},
	} {
		u := begin(t, s, "a", 5)
		if _, err := s.Append(t.Context(), &u, bytes.NewReader([]byte("12345"))); err != nil {
			t.Fatal(err)
		}
		for _, push := range c.use {
			if err := s.Use(t.Context(), u.ID, push); err != nil {
				t.Fatal(err)
			}
		}
		if c.old {
			age(t, filepath.Join(folder, "uploads", "about", u.ID), now.Add(-2*Patience))
			age(t, filepath.Join(folder, "uploads", "parts", u.ID, "0000000000000000"), now.Add(-2*Patience))
		}
		want[u.ID] = c.stay
	}
	stray := filepath.Join(folder, "uploads", "parts", "00000000-0000-0000-0000-000000000000", "0000000000000000")
	half := filepath.Join(folder, "uploads", "about", "fileblob123")
	for _, name := range []string{stray, half} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte("{"), 0o600)); err != nil {
			t.Fatal(err)
		}
		age(t, name, now.Add(-2*Patience))
	}
	removed, err := s.Collect(t.Context(), now, func(push string, _ time.Time) State { return state[push] })
	if err != nil || removed != 3 {
		t.Errorf("%d are removed: %v", removed, err)
	}
	for id, stays := range want {
		_, err := s.Find(t.Context(), "c", id)
		if (err == nil) != stays {
			t.Errorf("%s stays %t, want %t: %v", id, err == nil, stays, err)
		}
	}
	for _, name := range []string{stray, half} {
		if _, err := os.Stat(name); err == nil {
			t.Errorf("%s is left", name)
		}
	}
}

func age(t *testing.T, name string, when time.Time) {
	t.Helper()
	if err := os.Chtimes(name, when, when); err != nil {
		t.Fatal(err)
	}
}

// TestOverlap: two that add to one upload at once, against the rules, leave it usable: what
// counts is what follows without a gap.
func TestOverlap(t *testing.T) {
	s := newStore(t, t.TempDir(), Limits{})
	content := bytes.Repeat([]byte("0123456789"), 100)
	one := begin(t, s, "a", int64(len(content)))
	two := one
	for _, call := range []struct {
		u    *Upload
		size int
	}{{&one, 300}, {&two, 200}, {&one, 100}} {
		if _, err := s.Append(t.Context(), call.u, bytes.NewReader(content[call.u.Offset:][:call.size])); err != nil {
			t.Fatal(err)
		}
	}
	last, err := s.Find(t.Context(), "c", one.ID)
	if err != nil || last.Offset != 200 {
		t.Fatalf("%d bytes, %v", last.Offset, err)
	}
	if _, err := s.Append(t.Context(), &last, bytes.NewReader(content[200:])); err != nil {
		t.Fatal(err)
	}
	file, err := s.Open(t.Context(), "c", one.ID)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := io.ReadAll(file)
	if err != nil || sha256.Sum256(whole) != sha256.Sum256(content) {
		t.Errorf("%d bytes are read: %v", len(whole), err)
	}
}
