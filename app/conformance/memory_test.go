package conformance

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
)

// memory is what processes hold, in bytes, by their numbers.
type memory map[int]int64

// holdsNow returns what this process and its children hold, and makes Linux count
// the most that each holds from here on.
func holdsNow() memory {
	debug.FreeOSMemory()
	held := memory{}
	for _, process := range family() {
		// Where that is refused, the peak is that of the whole life: too much, not too little.
		_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", process), []byte("5"), 0)
		held[process] = memoryOf(process, "VmRSS")
	}
	return held
}

// mostSince is how much more they have held since, all together, and what children
// have held that are new.
func mostSince(began memory) (most int64) {
	for _, process := range family() {
		most += memoryOf(process, "VmHWM") - began[process]
	}
	return most
}

// family lists this process, its children and theirs.
func family() []int {
	found := map[int]bool{}
	for next := []int{os.Getpid()}; len(next) > 0; {
		process := next[0]
		next = next[1:]
		if found[process] {
			continue
		}
		found[process] = true
		lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", process))
		for _, list := range lists {
			text, _ := os.ReadFile(list) // a thread that has ended has none
			for _, word := range bytes.Fields(text) {
				if child, err := strconv.Atoi(string(word)); err == nil {
					next = append(next, child)
				}
			}
		}
	}
	return slices.Collect(maps.Keys(found))
}

// memoryOf reads a field of a process, 0 where there is none.
func memoryOf(process int, field string) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", process))
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte(field+":")); ok {
			kilobytes, _ := strconv.ParseInt(string(bytes.Fields(rest)[0]), 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}
