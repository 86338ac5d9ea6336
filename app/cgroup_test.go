package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// memoryGroup is a control group of Linux that bounds the memory of processes, of
// either version.
type memoryGroup struct{ path string }

// newMemoryGroup makes a group below parent, whose limit also counts groups below it.
func newMemoryGroup(t testing.TB, parent, name string, limit int64) memoryGroup {
	t.Helper()
	g := memoryGroup{filepath.Join(parent, name)}
	if err := os.Mkdir(g.path, 0o755); err != nil {
		t.Fatalf("make a control group: %v", err)
	}
	t.Cleanup(func() { g.remove(t) })
	g.write(t, []string{"memory.max", "memory.limit_in_bytes"}, limit)
	return g
}

// remove waits for the end of the processes in the group.
func (g memoryGroup) remove(t testing.TB) {
	t.Helper()
	var err error
	for range 100 {
		if err = os.Remove(g.path); err == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("remove the control group: %v", err)
}

// add moves a process into the group; its later children start there.
func (g memoryGroup) add(t testing.TB, pid int) {
	t.Helper()
	g.write(t, []string{"cgroup.procs"}, int64(pid))
}

// peak is the most memory that the group held, in bytes, files in the kernel's cache
// included.
func (g memoryGroup) peak(t testing.TB) int64 {
	t.Helper()
	for _, name := range []string{"memory.peak", "memory.max_usage_in_bytes"} {
		text, err := os.ReadFile(filepath.Join(g.path, name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		bytes, parseErr := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err := errors.Join(err, parseErr); err != nil {
			t.Fatal(err)
		}
		return bytes
	}
	t.Fatalf("%s does not tell its peak", g.path)
	return 0
}

// write puts a number into the first of these files that there is.
func (g memoryGroup) write(t testing.TB, names []string, number int64) {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(g.path, name)
		if _, err := os.Stat(path); err != nil {
			continue
		}
		if err := os.WriteFile(path, []byte(strconv.FormatInt(number, 10)), 0); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("%s has none of %v: is it a group of the memory controller?", g.path, names)
}
