package lock

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// role makes the test program, started again, hold a lock.
const role = "POLYLENS_LOCK_TEST"

func TestMain(m *testing.M) {
	if path := os.Getenv(role); path != "" {
		holdUntilTold(path)
		return
	}
	os.Exit(m.Run())
}

// holdUntilTold holds the lock until standard input ends.
func holdUntilTold(path string) {
	held, err := Try(path, strconv.Itoa(os.Getpid()))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = held.Close()
}

// holder is another process that holds the lock until it is told to end.
func holder(t *testing.T, path string) (process *os.Process, end func()) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), role+"="+path)
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	return command.Process, func() { in.Close() }
}

func TestTryIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	process, end := holder(t, path)
	var held *HeldError
	if _, err := Try(path, "2"); !errors.As(err, &held) || held.Path != path || held.Holder != strconv.Itoa(process.Pid) {
		t.Fatalf("a lock of process %d answers %v", process.Pid, err)
	}
	end()
	mine, err := Wait(t.Context(), path, nil)
	if err != nil {
		t.Fatalf("a lock given back answers %v", err)
	}
	mine.Close()
}

func TestTryAfterKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	process, _ := holder(t, path)
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	mine, err := Wait(ctx, path, nil)
	if err != nil {
		t.Fatalf("the lock of a killed process answers %v", err)
	}
	mine.Close()
}

func TestWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	_, end := holder(t, path)
	impatient, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
	defer cancel()
	told := 0
	if _, err := Wait(impatient, path, func() { told++ }); !errors.Is(err, context.DeadlineExceeded) || told != 1 {
		t.Errorf("a held lock answers %v, told %d times", err, told)
	}
	patient, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	mine, err := Wait(patient, path, end) // given back while somebody waits for it
	if err != nil {
		t.Fatal(err)
	}
	var held *HeldError
	if _, err := Try(path, ""); !errors.As(err, &held) {
		t.Errorf("the same process takes the lock twice: %v", err)
	}
	mine.Close()
	again, err := Wait(t.Context(), path, func() { t.Error("waited for nobody") })
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	if err := os.WriteFile(path, []byte("a long note of an earlier holder\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	mine, err := Try(path, "7 (tests)")
	if err != nil {
		t.Fatal(err)
	}
	if err := mine.Close(); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(path); string(content) != "7 (tests)\n" {
		t.Errorf("the file holds %q, %v", content, err)
	}
	fresh := filepath.Join(filepath.Dir(path), "fresh")
	if mine, err = Try(fresh, ""); err != nil {
		t.Fatal(err)
	}
	mine.Close()
	if info, err := os.Stat(fresh); err != nil || info.Mode() != 0o600 {
		t.Errorf("a new file: %v, %v", info, err)
	}
}

func TestImpossiblePlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nothing", "lock")
	if _, err := Try(path, ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an impossible place answers %v", err)
	}
	if _, err := Wait(t.Context(), path, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an impossible place answers %v", err)
	}
}

// TestPipeInPlace: nobody waits for the writer of a pipe that stands where the lock belongs.
func TestPipeInPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 2)
	go func() {
		_, err := Try(path, "")
		done <- err
		_, err = Wait(context.Background(), path, nil)
		done <- err
	}()
	for range 2 {
		select {
		case err := <-done:
			if err == nil {
				t.Error("a pipe is locked")
			}
		case <-time.After(30 * time.Second):
			t.Fatal("it waits")
		}
	}
}
