//go:build unix

package ordinary_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"polylens/internal/ordinary"
)

// strange makes one of everything that is no ordinary file, and links to them.
func strange(t *testing.T, folder string) map[string]string {
	t.Helper()
	pipe, socket := filepath.Join(folder, "pipe"), filepath.Join(folder, "socket")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	kinds := map[string]string{"pipe": "a pipe", "socket": "a socket"}
	for name, target := range map[string]string{"link": pipe, "device": os.DevNull, "endless": "/dev/zero", "folder": folder, "around": filepath.Join(folder, "around")} {
		if err := os.Symlink(target, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	kinds["link"], kinds["device"], kinds["endless"], kinds["folder"] = "a pipe", "a device", "a device", "a folder"
	return kinds
}

// soon fails the test when a call waits for somebody.
func soon(t *testing.T, call func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		return err
	case <-time.After(30 * time.Second):
		t.Fatal("it waits")
		return nil
	}
}

func TestStrangeFiles(t *testing.T) {
	folder, err := os.MkdirTemp("", "ordinary") // short enough for the name of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	for name, kind := range strange(t, folder) {
		path := filepath.Join(folder, name)
		for how, call := range map[string]func() error{
			"open": func() error { _, err := ordinary.Open(path); return err },
			"read": func() error { _, err := ordinary.Read(path, 100); return err },
		} {
			err := soon(t, call)
			var place *fs.PathError
			if !errors.Is(err, ordinary.Err) || !errors.As(err, &place) || place.Path != path || !strings.Contains(err.Error(), kind) {
				t.Errorf("%s of %s: %v, want %q", how, name, err, kind)
			}
		}
		if err := soon(t, func() error { _, err := ordinary.In(t.Context(), root, name); return err }); err == nil {
			t.Errorf("%s below a root is opened", name)
		}
	}
	for _, name := range []string{"around", "none"} {
		if _, err := ordinary.Open(filepath.Join(folder, name)); err == nil || errors.Is(err, ordinary.Err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ordinary.In(t.Context(), root, "pipe"); !errors.Is(err, ordinary.Err) {
		t.Errorf("a pipe below a root: %v", err)
	}
}

// TestExchanged: a pipe that takes the file's place after it was looked at is found,
// and nobody waits for its writer.
func TestExchanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			pipe, file := path+".pipe", path+".file"
			_ = syscall.Mkfifo(pipe, 0o600)
			_ = os.Rename(pipe, path)
			_ = os.WriteFile(file, nil, 0o600)
			_ = os.Rename(file, path)
		}
	}()
	for range 2000 {
		err := soon(t, func() error {
			file, err := ordinary.Open(path)
			if err != nil {
				return err
			}
			defer file.Close()
			info, err := file.Stat()
			if err == nil && !info.Mode().IsRegular() {
				t.Errorf("opened %v", info.Mode())
			}
			return err
		})
		if err != nil && !errors.Is(err, ordinary.Err) && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	close(stop)
	<-done
}

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("four"), 0o600); err != nil {
		t.Fatal(err)
	}
	if content, err := ordinary.Read(path, 4); err != nil || string(content) != "four" {
		t.Errorf("%q, %v", content, err)
	}
	if _, err := ordinary.Read(path, 3); err == nil || !strings.Contains(err.Error(), "more than the 3 bytes") {
		t.Errorf("a longer file: %v", err)
	}
	if _, err := ordinary.ReadKernel("/proc/self/status", 10); err == nil && exists("/proc/self/status") {
		t.Error("a file of the kernel, which tells no size, is read beyond the limit")
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
