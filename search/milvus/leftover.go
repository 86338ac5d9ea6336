package milvus

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"polylens/internal/replace"
)

// identity names a process so that the next process with the same id is not mistaken
// for it: ids are reused, and all of them after a reboot.
type identity struct {
	PID   int
	Boot  string // /proc/sys/kernel/random/boot_id
	Start string // clock ticks from boot to its start
}

func (f *dataFolder) processes() string { return filepath.Join(f.path, "processes.json") }

// remember notes what runs, for killLeftovers of a later start.
func (f *dataFolder) remember(pids ...int) error {
	var known []identity
	for _, pid := range pids {
		if who, err := identify(pid); err == nil {
			known = append(known, who)
		}
	}
	text, err := json.Marshal(known)
	if err != nil {
		return err
	}
	return replace.Durable(f.processes(), text, replace.Private)
}

func (f *dataFolder) forget() error { return removeIfExists(f.processes()) }

// killLeftovers ends the processes of a run that could not do so itself, and
// counts them. The caller holds the lock: nobody else uses the folder.
func (f *dataFolder) killLeftovers() (killed int, err error) {
	text, err := os.ReadFile(f.processes())
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var known []identity
	if err := json.Unmarshal(text, &known); err != nil {
		known = nil // half-written by a dying disk: nothing to go by
	}
	for _, who := range known {
		if now, err := identify(who.PID); err != nil || now != who {
			continue
		}
		if err := syscall.Kill(who.PID, syscall.SIGKILL); err != nil {
			return killed, fmt.Errorf("end process %d, a Milvus left behind: %w", who.PID, err)
		}
		if !waitGone(who.PID, 10*time.Second) {
			return killed, fmt.Errorf("process %d, a Milvus left behind, does not end", who.PID)
		}
		killed++
	}
	return killed, f.forget()
}

// identify fails for a process that has ended, also as a zombie.
func identify(pid int) (identity, error) {
	if pid <= 1 {
		return identity{}, fmt.Errorf("process id %d", pid)
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return identity{}, err
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return identity{}, err
	}
	// "pid (name) state ppid ... starttime": the name may hold anything.
	_, rest, _ := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')')+1:]), " ")
	fields := strings.Fields(rest)
	const state, start = 0, 19 // fields 3 and 22 of proc(5)
	if len(fields) <= start || fields[state] == "Z" || fields[state] == "X" {
		return identity{}, fmt.Errorf("process %d has ended", pid)
	}
	return identity{PID: pid, Boot: strings.TrimSpace(string(boot)), Start: fields[start]}, nil
}

// waitGone waits for the end of a process that may not be our child.
func waitGone(pid int, limit time.Duration) bool {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
		if _, err := identify(pid); err != nil {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}
