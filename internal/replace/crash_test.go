package replace

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What the test program does, started again as a process that is killed.
const (
	role       = "POLYLENS_REPLACE_TEST"
	roleFolder = "POLYLENS_REPLACE_FOLDER"
)

const pieces = 2000 // of a content, so that writing takes a while

func TestMain(m *testing.M) {
	folder := os.Getenv(roleFolder)
	switch os.Getenv(role) {
	case "half":
		writeHalf(filepath.Join(folder, "file"))
	case "durable", "volatile", "directory":
		writeForever(os.Getenv(role), folder)
	default:
		os.Exit(m.Run())
	}
}

// numbered is the content of one turn: it says throughout which one it is.
func numbered(turn int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%09d\n", turn), pieces) }

// turnOf is the turn of a content that is whole.
func turnOf(content []byte) (int, error) {
	var turn int
	if _, err := fmt.Sscanf(string(content), "%d", &turn); err != nil || !bytes.Equal(content, numbered(turn)) {
		return 0, fmt.Errorf("%d bytes that begin with %.20q are no whole content", len(content), content)
	}
	return turn, nil
}

// writeForever replaces something with turn after turn, and says which are done.
func writeForever(what, folder string) {
	path := pathOf(what, folder)
	turn := 0
	if content, err := os.ReadFile(path); err == nil {
		turn, _ = turnOf(content)
	}
	for turn++; ; turn++ {
		if err := writeTurn(what, folder, turn); err != nil {
			fmt.Println("failed:", err)
			return
		}
		fmt.Println(turn)
	}
}

func pathOf(what, folder string) string {
	if what == "directory" {
		return filepath.Join(folder, "directory", "file")
	}
	return filepath.Join(folder, "file")
}

func writeTurn(what, folder string, turn int) error {
	switch what {
	case "durable":
		return Durable(pathOf(what, folder), numbered(turn), Private)
	case "volatile":
		return Volatile(pathOf(what, folder), numbered(turn))
	}
	return Directory(filepath.Join(folder, "directory"), 0o755, func(dir string) error {
		return Durable(filepath.Join(dir, "file"), numbered(turn), Shared)
	})
}

func start(t *testing.T, what, folder string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), role+"="+what, roleFolder+"="+folder)
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	return command, bufio.NewScanner(output)
}

// TestKilled kills a process that replaces a file or a directory again and
// again, at random moments. What stands is whole, and nothing that was done is
// undone. In the moment between its two renamings a directory may be missing.
func TestKilled(t *testing.T) {
	for _, what := range []string{"durable", "volatile", "directory"} {
		t.Run(what, func(t *testing.T) {
			folder := t.TempDir()
			done, all, missing := 0, 0, 0
			for range 30 {
				last := writeAndKill(t, what, folder)
				done, all = max(done, last), max(all, last)
				content, err := os.ReadFile(pathOf(what, folder))
				if errors.Is(err, fs.ErrNotExist) && (what == "directory" || done == 0) {
					missing++
					done = 0 // the next process begins anew
					continue
				}
				turn, err := turnOf(content)
				if err != nil || turn < done {
					t.Fatalf("turn %d was done, turn %d stands: %v", done, turn, err)
				}
			}
			if all < 30 || missing > 15 {
				t.Errorf("only %d turns were done; nothing stood %d times", all, missing)
			}
			expectSwept(t, what, folder)
		})
	}
}

// writeAndKill returns the last turn that was done for certain.
func writeAndKill(t *testing.T, what, folder string) (done int) {
	t.Helper()
	command, lines := start(t, what, folder)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "failed") {
			t.Fatal(lines.Text())
		}
		if done == 0 {
			time.AfterFunc(rand.N(20*time.Millisecond), func() { command.Process.Kill() })
		}
		if _, err := fmt.Sscan(lines.Text(), &done); err != nil {
			t.Fatalf("the other process says %q: %v", lines.Text(), err)
		}
	}
	_ = command.Wait() // it was killed
	return done
}

// expectSwept demands that what the killed left can be cleared.
func expectSwept(t *testing.T, what, folder string) {
	t.Helper()
	if err := errors.Join(Sweep(pathOf(what, folder)), SweepDirectory(filepath.Join(folder, "directory"))); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(folder, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%q are left, %v", left, err)
	}
}

// stuckReader gives some bytes, says so and then nothing forever.
type stuckReader struct{ text *strings.Reader }

func (r stuckReader) Read(p []byte) (int, error) {
	if r.text.Len() == 0 {
		fmt.Println("half")
		select {}
	}
	return r.text.Read(p)
}

func writeHalf(path string) {
	go func() { time.Sleep(time.Minute); os.Exit(1) }() // nobody has killed it
	fmt.Println(DurableFrom(path, stuckReader{strings.NewReader("half of the n")}, Private))
}

// TestKilledHalfWay kills a process that has written a part.
func TestKilledHalfWay(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "file")
	if err := Durable(path, []byte("old"), Private); err != nil {
		t.Fatal(err)
	}
	command, lines := start(t, "half", folder)
	if !lines.Scan() || lines.Text() != "half" {
		t.Fatalf("the other process says %q", lines.Text())
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait() // it was killed
	expectFile(t, path, "old", 0o600)
	left, err := filepath.Glob(filepath.Join(folder, ".file*"))
	if err != nil || len(left) != 1 {
		t.Fatalf("%q are left, %v", left, err)
	}
	expectFile(t, left[0], "half of the n", 0o600)
	if err := Sweep(path); err != nil {
		t.Fatal(err)
	}
	expectNames(t, folder, "file")
}
