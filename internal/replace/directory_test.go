package replace

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// fillWith writes one file, below a folder.
func fillWith(content string) func(dir string) error {
	return func(dir string) error {
		if err := os.Mkdir(filepath.Join(dir, "below"), 0o755); err != nil {
			return err
		}
		return Durable(filepath.Join(dir, "below", "file"), []byte(content), Shared)
	}
}

func TestDirectory(t *testing.T) {
	target := filepath.Join(t.TempDir(), "model")
	for _, content := range []string{"first", "second"} {
		if err := Directory(target, 0o750, fillWith(content)); err != nil {
			t.Fatal(err)
		}
		expectFile(t, filepath.Join(target, "below", "file"), content, 0o644)
	}
	if info, err := os.Stat(target); err != nil || info.Mode().Perm() != 0o750 {
		t.Errorf("%v, %v", info, err)
	}
	broken := errors.New("broken")
	err := Directory(target, 0o755, func(dir string) error { return errors.Join(fillWith("third")(dir), broken) })
	if !errors.Is(err, broken) {
		t.Errorf("a broken filling gives %v", err)
	}
	expectFile(t, filepath.Join(target, "below", "file"), "second", 0o644)
	expectNames(t, filepath.Dir(target), "model")
}

// TestExchangeFails demands that the old directory comes back.
func TestExchangeFails(t *testing.T) {
	parent := t.TempDir()
	target := filepath.Join(parent, "target")
	if err := Directory(target, 0o755, fillWith("old")); err != nil {
		t.Fatal(err)
	}
	if err := exchange(target, filepath.Join(parent, "missing"), filepath.Join(parent, "away")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no fresh directory gives %v", err)
	}
	expectFile(t, filepath.Join(target, "below", "file"), "old", 0o644)
	expectNames(t, parent, "target")
}

func TestRemoveDirectory(t *testing.T) {
	parent := t.TempDir()
	target := filepath.Join(parent, "step")
	for _, dir := range []string{"step", "step-2", ".writing-step-0", ".writing-step-77", ".writing-step-2-77"} {
		if err := fillWithin(filepath.Join(parent, dir)); err != nil {
			t.Fatal(err)
		}
	}
	if err := RemoveDirectory(target); err != nil {
		t.Fatal(err)
	}
	expectNames(t, parent, ".writing-step-2-77", "step-2")
	if err := RemoveDirectory(target); err != nil {
		t.Errorf("removing nothing gives %v", err)
	}
	if err := SweepDirectories(parent); err != nil {
		t.Fatal(err)
	}
	expectNames(t, parent, "step-2")
	if err := SweepDirectories(filepath.Join(parent, "nothing")); err != nil {
		t.Errorf("a missing folder gives %v", err)
	}
}

func fillWithin(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	return fillWith("x")(dir)
}
