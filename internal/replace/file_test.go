package replace

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func volatile(path string, content []byte, _ fs.FileMode) error { return Volatile(path, content) }

var promises = map[string]func(path string, content []byte, mode fs.FileMode) error{"durable": Durable, "volatile": volatile}

func TestReplace(t *testing.T) {
	for name, replace := range promises {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.json")
			for _, content := range []string{"a first text", "another", ""} {
				if err := replace(path, []byte(content), Private); err != nil {
					t.Fatal(err)
				}
				expectFile(t, path, content, 0o600)
			}
			expectNames(t, filepath.Dir(path), "state.json")
		})
	}
}

// TestPermissions demands that neither an earlier file nor a careless umask
// opens a file to others, and that a strict one closes it.
func TestPermissions(t *testing.T) {
	cases := []struct {
		mode  fs.FileMode
		umask int
		want  fs.FileMode
	}{{Private, 0, 0o600}, {Private, 0o022, 0o600}, {Shared, 0, 0o644}, {Shared, 0o022, 0o644}, {Shared, 0o077, 0o600}}
	for _, c := range cases {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o666); err != nil {
			t.Fatal(err)
		}
		before := unix.Umask(c.umask)
		err := Durable(path, []byte("x"), c.mode)
		unix.Umask(before)
		if err != nil {
			t.Fatal(err)
		}
		expectFile(t, path, "x", c.want)
	}
}

// TestVolatileIsPrivate: even if the earlier file was not.
func TestVolatileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	before := unix.Umask(0)
	err := Volatile(path, []byte("x"))
	unix.Umask(before)
	if err != nil {
		t.Fatal(err)
	}
	expectFile(t, path, "x", 0o600)
}

// brokenReader fails after some bytes.
type brokenReader struct{ text *strings.Reader }

var errBroken = errors.New("the source broke")

func (r brokenReader) Read(p []byte) (int, error) {
	n, err := r.text.Read(p)
	if err == io.EOF {
		err = errBroken
	}
	return n, err
}

func TestErrorLeavesTheOld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := Durable(path, []byte("old"), Private); err != nil {
		t.Fatal(err)
	}
	err := DurableFrom(path, brokenReader{strings.NewReader("half of the n")}, Private)
	if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), path) {
		t.Errorf("a broken source gives %v", err)
	}
	expectFile(t, path, "old", 0o600)
	expectNames(t, filepath.Dir(path), "file")
}

// TestNotToBeReplaced names a folder, whose place no file can take.
func TestNotToBeReplaced(t *testing.T) {
	for name, replace := range promises {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			path := filepath.Join(parent, "folder")
			if err := os.MkdirAll(filepath.Join(path, "below"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := replace(path, []byte("x"), Private); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("a file replaces a folder: %v", err)
			}
			expectNames(t, parent, "folder")
			if err := replace(filepath.Join(parent, "nothing", "file"), nil, Private); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a missing folder gives %v", err)
			}
		})
	}
}

func TestSweep(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"a", ".a12", ".a", ".a.json7", ".b3", ".a12x", "a5"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Sweep(filepath.Join(folder, "a")); err != nil {
		t.Fatal(err)
	}
	expectNames(t, folder, ".a", ".a.json7", ".a12x", ".b3", "a", "a5")
	if err := Sweep(filepath.Join(folder, "nothing", "a")); err != nil {
		t.Errorf("a missing folder gives %v", err)
	}
}

func expectFile(t *testing.T, path, want string, mode fs.FileMode) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil || string(content) != want {
		t.Errorf("%s holds %q, want %q; %v", path, content, want, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != mode {
		t.Errorf("%s has the mode %v, want %v; %v", path, info.Mode(), mode, err)
	}
}

// expectNames demands exactly these names in a folder, sorted.
func expectNames(t *testing.T, folder string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if strings.Join(names, " ") != strings.Join(want, " ") {
		t.Errorf("%s holds %q, want %q", folder, names, want)
	}
}
