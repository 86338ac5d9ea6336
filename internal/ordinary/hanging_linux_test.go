package ordinary_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"polylens/internal/hangtest"
	"polylens/internal/ordinary"
)

// TestHangingFile: a file that opens and does not answer when it is read. Once it has
// been left it is not asked again, though it might answer by then.
func TestHangingFile(t *testing.T) {
	ordinary.Hurry(t, 50*time.Millisecond)
	path := filepath.Join(folderWith(t, "file", []byte("content")).Name(), "file")
	release := hangtest.Hang(t, path, hangtest.Reading)
	file, err := ordinary.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	p := []byte("mine")
	wantSilent(t, "reading", soon(t, func() error { _, err := file.Read(p); return err }), path)
	release()
	for label, again := range map[string]func() error{
		"reading again": func() error { _, err := file.ReadAt(p, 0); return err },
		"reading all":   func() error { _, err := file.ReadAll(100); return err },
		"seeking":       func() error { _, err := file.Seek(0, io.SeekStart); return err },
		"describing":    func() error { _, err := file.Stat(); return err },
	} {
		wantSilent(t, label, soon(t, again), path)
	}
	if string(p) != "mine" {
		t.Errorf("the late answer was written to %q", p)
	}
	if err := soon(t, file.Close); err != nil {
		t.Error(err)
	}
}

// TestHangingFileIsReadAsAWhole: it is left like any other call.
func TestHangingFileIsReadAsAWhole(t *testing.T) {
	ordinary.Hurry(t, 50*time.Millisecond)
	path := filepath.Join(folderWith(t, "file", []byte("content")).Name(), "file")
	hangtest.Hang(t, path, hangtest.Reading)
	wantSilent(t, "reading all", soon(t, func() error { _, err := ordinary.Read(path, 100); return err }), path)
}

// TestHangingFileIsGivenUp: with its context, long before the patience ends.
func TestHangingFileIsGivenUp(t *testing.T) {
	ordinary.Hurry(t, time.Hour)
	path := filepath.Join(folderWith(t, "file", []byte("content")).Name(), "file")
	hangtest.Hang(t, path, hangtest.Reading)
	ctx, cancel := context.WithCancel(t.Context())
	file, err := ordinary.OpenContext(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := soon(t, func() error { _, err := file.Read(make([]byte, 3)); return err }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestFilesOfTheKernel are none that others may name, however they are named.
func TestFilesOfTheKernel(t *testing.T) {
	link := filepath.Join(t.TempDir(), "config.json")
	if err := os.Symlink("/proc/self/status", link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/proc/kmsg", "/proc/self/status", "/sys/kernel/uevent_helper", link} {
		if _, err := os.Stat(path); err != nil {
			continue
		}
		err := soon(t, func() error { _, err := ordinary.Read(path, 1<<20); return err })
		if !errors.Is(err, ordinary.Err) && !errors.Is(err, os.ErrPermission) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if content, err := ordinary.ReadKernel("/proc/self/status", 1<<20); err != nil || len(content) == 0 {
		t.Errorf("for the program itself: %d bytes, %v", len(content), err)
	}
}
