package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"polylens/internal/needs"
)

// ending is a context that ends when it is looked at for the n-th time.
type ending struct {
	context.Context
	cancel context.CancelFunc
	mu     sync.Mutex
	left   int
}

func newEnding(t *testing.T, looks int) *ending {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return &ending{Context: ctx, cancel: cancel, left: looks}
}

func (e *ending) look() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.left--; e.left == 0 {
		e.cancel()
	}
}

func (e *ending) Done() <-chan struct{} {
	e.look()
	return e.Context.Done()
}

func (e *ending) Err() error {
	e.look()
	return e.Context.Err()
}

// TestServeEndsInOrderAtAnyMoment ends a server at each moment of its start at which it
// looks whether it should end.
func TestServeEndsInOrderAtAnyMoment(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	f, silent := newFolders(t), silentAddress(t)
	const enough = 2000
	for looks := 1; looks < enough; looks += 1 + looks/5 {
		ctx := newEnding(t, looks)
		var log bytes.Buffer
		out := listening{end: ctx.cancel}
		arguments := []string{"--data", f.data, "--milvus", silent, "serve", "--addr", "127.0.0.1:0"}
		if code := Main(ctx, arguments, terminal{out: &out, err: &log}); code != exitSuccess {
			t.Errorf("ended at look %d, it ended with %d:\n%s", looks, code, log.String())
		}
		if out.listens {
			return
		}
	}
	t.Errorf("it never listened")
}

// listening is an output that calls end soon after a server says that it listens.
type listening struct {
	end     func()
	listens bool
}

func (l *listening) Write(text []byte) (int, error) {
	l.listens = true
	time.AfterFunc(100*time.Millisecond, l.end)
	return len(text), nil
}

// silentAddress is where connections are taken and nothing is answered.
func silentAddress(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String()
}

// TestSignalsEndServe sends the signals themselves.
func TestSignalsEndServe(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	silent := silentAddress(t)
	for n := range 8 {
		signal, after := []syscall.Signal{syscall.SIGTERM, syscall.SIGINT}[n%2], time.Duration(n)*70*time.Millisecond
		f := newFolders(t)
		command := f.command(t.Context(), "--milvus", silent, "serve", "--addr", "127.0.0.1:0")
		var log bytes.Buffer
		command.Stderr = &log
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		awaitPath(t, f.data) // from here on the program hears signals
		time.Sleep(after)
		_ = command.Process.Signal(signal)
		_ = command.Wait() // its state tells
		if code := command.ProcessState.ExitCode(); code != exitSuccess {
			t.Errorf("%s %s after its beginning ends it with %d: %s", signal, after, code, log.String())
		}
	}
}

func awaitPath(t *testing.T, path string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not appear", path)
		}
	}
}

// TestInterruptedCommands ends other commands at any moment: that is no success of theirs,
// and no other failure.
func TestInterruptedCommands(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	f, pictures, silent := newFolders(t), t.TempDir(), silentAddress(t)
	drawFolder(t, pictures, 1, 2)
	for _, command := range [][]string{{"index", pictures, "--collection", "c"}, {"check"}, {"prune"}, {"doctor"}} {
		for looks := 1; looks < 15; looks += 1 + looks/3 {
			var out, log bytes.Buffer
			arguments := append([]string{"--data", f.data, "--milvus", silent}, command...)
			if code := Main(newEnding(t, looks), arguments, terminal{out: &out, err: &log}); code != exitInterrupted {
				t.Errorf("%q, ended at look %d, ends with %d: %s", command[0], looks, code, log.String())
			}
		}
	}
}
