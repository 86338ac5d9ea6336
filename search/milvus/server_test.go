package milvus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/internal/hardened"
	"polylens/search"
)

// fill puts n rows into a new collection and returns its key.
func fill(t *testing.T, index *Index, n int) search.Key {
	t.Helper()
	key := search.Key{Collection: catalog.CollectionID("server " + t.Name()), Fingerprint: "ab"}
	if err := index.Ensure(t.Context(), key, 2); err != nil {
		t.Fatal(err)
	}
	rows := make([]search.Row, n)
	for i := range rows {
		rows[i] = search.Row{ID: fmt.Sprintf("row%05d", i), Vector: []float32{1, 0}}
	}
	if err := index.Upsert(t.Context(), key, rows); err != nil {
		t.Fatal(err)
	}
	return key
}

func count(ctx context.Context, index *Index, key search.Key) (n int, err error) {
	err = index.IDs(ctx, key, func(string) error {
		n++
		return nil
	})
	return n, err
}

// eventually repeats check until it is nil.
func eventually(t *testing.T, limit time.Duration, check func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %s: %v", limit, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// TestKilledServerComesBack: SIGKILL loses nothing, calls meanwhile say that
// the server is away, and the supervisor brings it back.
func TestKilledServerComesBack(t *testing.T) {
	t.Parallel()
	server := startServer(t, ServerOptions{})
	index := connect(t, server)
	key := fill(t, index, 500)
	if err := index.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	fill(t, index, 250) // again: only in Milvus' log
	pid, killed := server.PID(), time.Now()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, func() error {
		_, err := index.Search(t.Context(), key.Collection, search.Query{Vector: []float32{1, 0}, Limit: 1})
		if !errors.Is(err, search.ErrUnavailable) {
			return fmt.Errorf("got %w, want search.ErrUnavailable", err)
		}
		return nil
	})
	if err := index.Ready(t.Context()); !errors.Is(err, search.ErrUnavailable) {
		t.Errorf("Ready says %v while the server is away", err)
	}
	eventually(t, time.Minute, func() error {
		matches, err := index.Search(t.Context(), key.Collection, search.Query{Vector: []float32{1, 0}, Limit: 1000})
		if err == nil && len(matches) != 500 {
			t.Fatalf("the first search after the restart found %d of 500", len(matches))
		}
		return err
	})
	t.Logf("search answers %s after SIGKILL", time.Since(killed).Round(100*time.Millisecond))
	eventually(t, 10*time.Second, func() error { return index.Ready(t.Context()) })
	if n, err := count(t.Context(), index, key); n != 500 || err != nil {
		t.Errorf("%d rows, %v, after the restart, want 500", n, err)
	}
	if server.Starts() != 2 || server.PID() == pid {
		t.Errorf("%d starts, process %d", server.Starts(), server.PID())
	}
	stopAndStartAgain(t, server, key)
}

// stopAndStartAgain: an orderly stop is quick and keeps everything; that of a server which
// has just died is no failure.
func stopAndStartAgain(t *testing.T, server *Server, key search.Key) {
	pid, began := server.PID(), time.Now()
	if err := server.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("stopping took %s", took)
	}
	if _, err := identify(pid); err == nil {
		t.Errorf("process %d survived Stop", pid)
	}
	if _, err := server.Dial(t.Context(), ""); err == nil {
		t.Error("the door of a stopped server is open")
	}
	again := startServer(t, ServerOptions{Data: server.folder.path})
	index := connect(t, again)
	eventually(t, 30*time.Second, func() error {
		n, err := count(t.Context(), index, key)
		if err == nil && n != 500 {
			err = fmt.Errorf("%d rows after stop and start, want 500", n)
		}
		return err
	})
	if err := syscall.Kill(again.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := again.Stop(t.Context()); err != nil {
		t.Errorf("a server that has just died: %v", err)
	}
}

// TestHangingServerIsReplaced: a server that lives and answers nothing, as one
// does that has lost its session, is ended and started again.
func TestHangingServerIsReplaced(t *testing.T) {
	t.Parallel()
	server := startServer(t, ServerOptions{SickAfter: 6 * time.Second})
	index := connect(t, server)
	key := fill(t, index, 10)
	if err := syscall.Kill(server.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, 2*time.Minute, func() error {
		if server.Starts() < 2 || !server.Healthy() {
			return errors.New("not replaced")
		}
		if n, err := count(t.Context(), index, key); err != nil || n != 10 {
			return fmt.Errorf("it holds %d rows, %w", n, err)
		}
		return nil
	})
}

// TestNothingListens: neither with one server nor with two does the host's
// network show anything new, and servers do not disturb each other.
func TestNothingListens(t *testing.T) {
	needServer(t)
	if !shared.Exposure().cage.ownNetwork() {
		t.Skipf("this system has another cage: %s", shared.Exposure())
	}
	checkNothingListens(t, shared)
	info, err := os.Stat(shared.folder.door())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the door has mode %v (%v), want 0600", info.Mode(), err)
	}
	if info, err = os.Stat(shared.folder.path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the data folder has mode %v (%v), want 0700", info.Mode(), err)
	}
}

// checkNothingListens checks that a server has a network of its own, and that the
// host's shows nothing of it.
func checkNothingListens(t *testing.T, server *Server) {
	t.Helper()
	if !server.Exposure().Isolated {
		t.Errorf("exposure %+v", server.Exposure())
	}
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		text, err := os.ReadFile("/proc/net/" + table)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		inodes := socketsOf(t, server.PID(), server.running.keeperPID)
		for _, line := range strings.Split(string(text), "\n")[1:] {
			if fields := strings.Fields(line); len(fields) > 9 && inodes[fields[9]] {
				t.Errorf("%s of the host shows a socket of Milvus: %s", table, line)
			}
		}
	}
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", server.PID()))
	if err != nil || own == other {
		t.Errorf("network namespace of Milvus %s (%v), own %s", other, err, own)
	}
	inside, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/tcp6", server.PID()))
	if err != nil || !bytes.Contains(inside, []byte(fmt.Sprintf(":%04X ", 19530))) {
		t.Errorf("its own network shows no listener on 19530: %v\n%s", err, inside)
	}
}

// socketsOf lists the inodes of all sockets of some processes.
func socketsOf(t *testing.T, pids ...int) map[string]bool {
	t.Helper()
	inodes := map[string]bool{}
	for _, pid := range pids {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		if err != nil || len(files) == 0 {
			t.Fatalf("files of process %d: %v", pid, err)
		}
		for _, file := range files {
			target, _ := os.Readlink(file)
			if inode, ok := strings.CutPrefix(target, "socket:["); ok {
				inodes[strings.TrimSuffix(inode, "]")] = true
			}
		}
	}
	if len(inodes) < 9 {
		t.Fatalf("only %d sockets found: the test looks in the wrong place", len(inodes))
	}
	return inodes
}

// TestTwoServers run side by side: on one folder the second is refused, on
// another it runs and knows nothing of the first.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	folder := needServer(t)
	_, err := Start(t.Context(), ServerOptions{Folder: folder, Data: shared.folder.path})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) || !strings.Contains(err.Error(), "another data folder") {
		t.Errorf("second server on one folder: %v", err)
	}
	other := startServer(t, ServerOptions{Data: filepath.Join(t.TempDir(), strings.Repeat("long", 40), "milvus")})
	index := connect(t, other)
	key := fill(t, index, 3)
	if n, err := count(t.Context(), index, key); n != 3 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
	if _, err := count(t.Context(), connect(t, shared), key); !errors.Is(err, catalog.ErrCollectionNotFound) {
		t.Errorf("the first server on the second's collection: %v", err)
	}
}

// TestSharedNetwork is the way that has to be accepted explicitly, on systems that
// allow no cage.
func TestSharedNetwork(t *testing.T) {
	needServer(t)
	t.Parallel()
	if !under(t, hardened.Namespaces, hardened.Listeners) {
		return
	}
	server := startServer(t, ServerOptions{Expose: true})
	exposure := server.Exposure()
	if exposure.Isolated || len(exposure.Ports) != 9 || !strings.Contains(exposure.String(), fmt.Sprint(exposure.Ports[0])) {
		t.Errorf("exposure %+v: %s", exposure, exposure)
	}
	if text := exposure.String(); !strings.Contains(text, string(userNetwork)) || !strings.Contains(text, "firewall") {
		t.Errorf("it says %s", text)
	}
	for _, port := range exposure.Ports {
		for _, usual := range defaultPorts().open() {
			if port == usual {
				t.Errorf("port %d is the usual one, which another Milvus may hold", port)
			}
		}
	}
	index := connect(t, server)
	key := fill(t, index, 3)
	if n, err := count(t.Context(), index, key); n != 3 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
	for _, password := range []string{"", defaultPassword, "wrong"} {
		config := server.Config()
		config.Password = password
		if _, err := Connect(t.Context(), config); err == nil {
			t.Errorf("password %q opens the server", password)
		}
	}
	info, err := os.Stat(filepath.Join(server.folder.path, "password"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the password file has mode %v (%v), want 0600", info.Mode(), err)
	}
	external := server.Config()
	external.Address, external.Dialer = fmt.Sprintf("127.0.0.1:%d", exposure.Ports[0]), nil
	far, err := Connect(t.Context(), external)
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	if err := far.Ready(t.Context()); err != nil {
		t.Errorf("over the network: %v", err)
	}
}

// TestDiesWithParent kills a process that runs a server, which cannot do
// anything about it, and then starts on the same folder.
func TestDiesWithParent(t *testing.T) {
	t.Parallel()
	folder := needServer(t)
	data := filepath.Join(t.TempDir(), "milvus")
	parent := exec.Command("/proc/self/exe")
	parent.Env = append(os.Environ(), "POLYLENS_TEST_PARENT="+data)
	output, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	parent.Stderr = os.Stderr
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []int
	if err := json.NewDecoder(output).Decode(&pids); err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	for _, pid := range pids {
		if !waitGone(pid, 5*time.Second) {
			t.Errorf("process %d outlived its parent", pid)
		}
	}
	server := startServer(t, ServerOptions{Folder: folder, Data: data})
	if !server.Healthy() {
		t.Error("not healthy on the folder of a killed run")
	}
}

// runParent is the process that TestDiesWithParent kills.
func runParent(data string) int {
	server, err := Start(context.Background(), ServerOptions{Folder: os.Getenv("POLYLENS_MILVUS"), Data: data})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := json.NewEncoder(os.Stdout).Encode([]int{server.PID(), server.running.keeperPID}); err != nil {
		return 1
	}
	time.Sleep(5 * time.Minute)
	return 0
}

// TestStartFailures: each says what is wrong, and leaves nothing behind.
func TestStartFailures(t *testing.T) {
	t.Parallel()
	_, err := Start(t.Context(), ServerOptions{Folder: t.TempDir(), Data: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "setup") {
		t.Errorf("an empty server folder: %v", err)
	}
	needServer(t)
	broken := t.TempDir()
	script := "#!/bin/sh\necho the disk is on fire >&2\nexit 3\n"
	if err := os.WriteFile(filepath.Join(broken, binary), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	_, err = Start(t.Context(), ServerOptions{Folder: broken, Data: data})
	if err == nil || !strings.Contains(err.Error(), "the disk is on fire") {
		t.Errorf("a server that dies at once: %v", err)
	}
	script = "#!/bin/sh\nexec sleep 60\n"
	if err := os.WriteFile(filepath.Join(broken, binary), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, err = Start(t.Context(), ServerOptions{Folder: broken, Data: data, StartTimeout: 2 * time.Second})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 10*time.Second {
		t.Errorf("a server that never answers: %v after %s", err, time.Since(began))
	}
}
