package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// checkExposure fails the test unless the process tree below pid listens on only
// one socket of the host, at address. It also shows that it is not blind: it must
// see the sockets on which Milvus listens in its own network.
func checkExposure(t testing.TB, pid int, address string) {
	t.Helper()
	tree := descendants(t, pid)
	hosts := openSockets(t, "/proc/self/net")
	var outside []string
	var milvus int
	for _, member := range tree {
		for _, inode := range socketsOf(member) {
			if where, ok := hosts[inode]; ok {
				outside = append(outside, where)
			}
		}
		if name, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(member), "comm")); err == nil && strings.HasPrefix(string(name), "milvus") {
			milvus = member
		}
	}
	port, err := strconv.Atoi(address[strings.LastIndex(address, ":")+1:])
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("tcp 0100007F:%04X", port); len(outside) != 1 || outside[0] != want {
		t.Errorf("Polylens listens on %v of the host, want %s alone", outside, want)
	}
	if milvus == 0 {
		t.Fatalf("no Milvus among the processes %v", tree)
	}
	if inside := openSockets(t, fmt.Sprintf("/proc/%d/net", milvus)); len(inside) < 5 {
		t.Errorf("Milvus listens on %v of its own network: is the test blind?", inside)
	}
}

// descendants lists pid and every process below it.
func descendants(t testing.TB, pid int) []int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	children := make(map[int][]int)
	for _, name := range stats {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		text := string(stat)
		var child, parent int
		var state string
		_, err1 := fmt.Sscanf(text, "%d", &child)
		_, err2 := fmt.Sscanf(text[strings.LastIndex(text, ")")+1:], "%s %d", &state, &parent)
		if err1 == nil && err2 == nil {
			children[parent] = append(children[parent], child)
		}
	}
	tree := []int{pid}
	for i := 0; i < len(tree); i++ {
		tree = append(tree, children[tree[i]]...)
	}
	return tree
}

// openSockets maps the inodes of sockets that anybody may send to (listening
// TCP, bound UDP) to where they are, as written in a folder like
// /proc/self/net.
func openSockets(t testing.TB, net string) map[string]string {
	t.Helper()
	const listening, bound = "0A", "07"
	open := make(map[string]string)
	for table, state := range map[string]string{"tcp": listening, "tcp6": listening, "udp": bound, "udp6": bound} {
		text, err := os.ReadFile(filepath.Join(net, table))
		if err != nil {
			continue // no IPv6
		}
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) > 9 && fields[3] == state {
				open[fields[9]] = table + " " + fields[1]
			}
		}
	}
	return open
}

// socketsOf lists the inodes of a process's sockets.
func socketsOf(pid int) []string {
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		return nil
	}
	var inodes []string
	for _, link := range links {
		target, err := os.Readlink(link)
		if inode, ok := strings.CutPrefix(target, "socket:["); ok && err == nil {
			inodes = append(inodes, strings.TrimSuffix(inode, "]"))
		}
	}
	return inodes
}
