package memory

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// Total is how many bytes this process could have if no other had any. It is false
// where the system does not say.
func Total() (int64, bool) {
	return bound("MemTotal", func(g group) int64 { return g.limit })
}

// Available is how many bytes this process can take now without swapping. It is false
// where the system does not say.
func Available() (int64, bool) {
	return bound("MemAvailable", func(g group) int64 { return max(0, g.limit-g.used) })
}

// bound is a field of the machine, or what a control group leaves where that is less.
func bound(field string, of func(group) int64) (int64, bool) {
	most, ok := machine(field)
	for _, one := range groups() {
		most, ok = min(most, of(one)), true
	}
	return most, ok
}

// machine reads a field of proc_meminfo(5).
func machine(field string) (int64, bool) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return math.MaxInt64, false
	}
	for lines := bufio.NewScanner(strings.NewReader(string(text))); lines.Scan(); {
		var kilobytes int64
		if _, err := fmt.Sscanf(lines.Text(), field+": %d kB", &kilobytes); err == nil {
			return kilobytes << 10, true
		}
	}
	return math.MaxInt64, false
}

// group is a control group that bounds the memory of its processes.
type group struct{ limit, used int64 }

// hierarchy says where one of the two kinds of control groups keeps its numbers.
type hierarchy struct{ controllers, root, limit, used, reclaimable string }

var hierarchies = []hierarchy{
	{"", "/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"},
	{"memory", "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"},
}

// groups are those that bound this process: its own and all around it. In a container
// the name of its own may be one of the machine, which is not to be seen there; the
// root is then the container's.
func groups() []group {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil
	}
	var found []group
	for line := range strings.Lines(string(text)) { // number:controllers:path
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		for _, h := range hierarchies {
			if h.controllers == fields[1] {
				found = append(found, h.around(fields[2])...)
			}
		}
	}
	return found
}

// around reads the groups from a path up to the root.
func (h hierarchy) around(name string) []group {
	var found []group
	for name = path.Clean("/" + name); ; name = path.Dir(name) {
		if one, ok := h.read(path.Join(h.root, name)); ok {
			found = append(found, one)
		}
		if name == "/" {
			return found
		}
	}
}

// read is false for a group without a limit.
func (h hierarchy) read(folder string) (group, bool) {
	limit, ok := number(path.Join(folder, h.limit))
	used, _ := number(path.Join(folder, h.used))
	return group{limit, max(0, used-h.reclaimed(folder))}, ok
}

// reclaimed is what the kernel takes back when there is need.
func (h hierarchy) reclaimed(folder string) int64 {
	text, _ := os.ReadFile(path.Join(folder, "memory.stat")) // none without it
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, h.reclaimable+" "); ok {
			bytes, _ := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			return bytes
		}
	}
	return 0
}

// number is false for a file that holds none, such as "max".
func number(file string) (int64, bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	value, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return value, err == nil
}
