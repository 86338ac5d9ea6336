package postgrestest

import (
	"database/sql"
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

	"go.uber.org/goleak"

	"polylens/internal/needs"
)

// killChild makes this test binary a process that starts a server, says where,
// and waits to be killed.
const killChild = "POLYLENS_TEST_POSTGRES_CHILD"

func TestMain(m *testing.M) {
	if programs := os.Getenv(killChild); programs != "" {
		os.Exit(waitToBeKilled(programs))
	}
	goleak.VerifyTestMain(needs.Wrap(m))
}

func waitToBeKilled(programs string) int {
	s, err := start(programs)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(s.process.Process.Pid, s.folder)
	time.Sleep(patience)
	return 1
}

func open(t *testing.T, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestDatabasesAreEmptyAndGoAway(t *testing.T) {
	serverURL(t)
	var urls []string
	for range 2 {
		t.Run("one", func(t *testing.T) {
			urls = append(urls, Database(t))
			db := open(t, urls[len(urls)-1])
			if _, err := db.ExecContext(t.Context(), "CREATE TABLE polylens (a TEXT)"); err != nil {
				t.Fatal(err)
			}
			// The database goes although the connection is still open.
		})
	}
	if urls[0] == urls[1] {
		t.Errorf("both tests had %s", urls[0])
	}
	for _, url := range urls {
		if err := open(t, url).PingContext(t.Context()); err == nil || !strings.Contains(err.Error(), "does not exist") {
			t.Errorf("%s is still there: %v", url, err)
		}
	}
}

// TestOrdersByLanguage: tests that pass here do not rely on the order of bytes.
func TestOrdersByLanguage(t *testing.T) {
	var least string
	if err := open(t, Database(t)).QueryRowContext(t.Context(), "SELECT min(a) FROM (VALUES ('B'), ('a')) AS v (a)").Scan(&least); err != nil {
		t.Fatal(err)
	}
	if least != "a" {
		t.Errorf("the least of B and a is %q", least)
	}
}

func TestStopRemovesEverything(t *testing.T) {
	s, err := start(needs.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.folder)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder of the socket is %v, %v", info.Mode(), err)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s remains: %v", s.folder, err)
	}
	waitGone(t, s.process.Process.Pid)
}

// TestDiesWithItsParent kills a process of tests, which cannot stop its server.
func TestDiesWithItsParent(t *testing.T) {
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), killChild+"="+needs.Postgres(t))
	child.Stderr = os.Stderr
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	var folder string
	if _, err := fmt.Fscanln(output, &pid, &folder); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // killed
	waitGone(t, pid)
}

// TestStartSaysWhatIsWrong: with the words of the program.
func TestStartSaysWhatIsWrong(t *testing.T) {
	script := func(name, text string) string {
		programs := t.TempDir()
		path := filepath.Join(programs, "bin", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return programs
	}
	dying := script("initdb", "exit 0")
	if err := os.WriteFile(filepath.Join(dying, "bin", "postgres"), []byte("#!/bin/sh\necho no memory >&2; exit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for programs, want := range map[string]string{
		t.TempDir(): "no such file",
		script("initdb", "echo the disk is full; exit 1"): "the disk is full",
		dying: "no memory",
	} {
		s, err := start(programs)
		if s != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestReachable(t *testing.T) {
	if !reachable("/") || reachable(filepath.Join(t.TempDir(), "absent")) {
		t.Error("the root cannot be entered, or a folder that is not there can")
	}
	closed := filepath.Join(t.TempDir(), "closed", "open")
	if err := os.MkdirAll(closed, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(closed), 0o700); err != nil {
		t.Fatal(err)
	}
	if reachable(closed) {
		t.Error("a folder below one that is closed can be reached")
	}
}

func waitGone(t *testing.T, pid int) {
	t.Helper()
	for range 500 {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d still runs", pid)
}
