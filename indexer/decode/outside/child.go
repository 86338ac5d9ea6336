package outside

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"polylens/internal/pinned"
)

// child is a process that decodes, as the parent holds it.
type child struct {
	command  *exec.Cmd
	requests *os.File
	replies  *os.File
	memory   *shared
	busy     time.Duration // with all its requests
	idleEnd  *time.Timer   // while it waits

	words words         // what it said at its end
	ended chan struct{} // closed when the process is gone
}

// start starts a child, and notes its end.
func start(task childTask) (*child, error) {
	c := &child{ended: make(chan struct{})}
	if err := c.prepare(task); err != nil {
		return nil, err
	}
	err := pinned.Start(c.command, func(error) { close(c.ended) }) // what Wait says is in command.ProcessState
	c.closeTheirs()
	if err != nil {
		c.closeOurs()
		return nil, fmt.Errorf("its process cannot be started: %w", err)
	}
	return c, nil
}

// prepare makes the command and its pipes.
func (c *child) prepare(task childTask) error {
	if err := hooked.Check(); err != nil {
		return err
	}
	encoded, err := json.Marshal(task)
	if err != nil {
		return err
	}
	program, err := program()
	if err != nil {
		return err
	}
	c.command = &exec.Cmd{
		Path: program, Args: []string{childName, string(encoded)}, Env: []string{}, Dir: "/",
		Stderr: &c.words, SysProcAttr: processAttributes(),
		// A grandchild, which there is none of, could keep the pipe of its words open.
		WaitDelay: time.Second,
	}
	if c.memory, err = newShared(); err != nil {
		return err
	}
	theirRequests, requests, err := os.Pipe()
	if err != nil {
		return errors.Join(err, c.memory.file.Close())
	}
	replies, theirReplies, err := os.Pipe()
	if err != nil {
		return errors.Join(err, c.memory.file.Close(), theirRequests.Close(), requests.Close())
	}
	c.requests, c.replies = requests, replies
	c.command.Stdin, c.command.Stdout = theirRequests, theirReplies
	c.command.ExtraFiles = []*os.File{c.memory.file} // number sharedFile
	return nil
}

func (c *child) closeTheirs() {
	c.command.Stdin.(*os.File).Close()
	c.command.Stdout.(*os.File).Close()
}

func (c *child) closeOurs() {
	c.requests.Close()
	c.replies.Close()
	c.memory.file.Close()
}

// decode lets the child decode one picture. After an error that is not about the
// picture (see reusable) it has been ended.
func (c *child) decode(ctx context.Context, request Request) (Reply, error) {
	begun := time.Now()
	stop := context.AfterFunc(ctx, c.kill)
	reply, err := c.exchange(request)
	unhurt := stop()
	c.busy += time.Since(begun)
	if reusable(err) && unhurt {
		return reply, err
	}
	alone := c.endsAlone(err)
	c.end()
	if ctx.Err() != nil {
		return Reply{}, ctx.Err()
	}
	if !alone {
		return Reply{}, fmt.Errorf("%w: %w", ErrCrashed, err)
	}
	return Reply{}, c.explain(err)
}

// endsAlone reports whether the child ends without our doing, which closes its pipes.
func (c *child) endsAlone(err error) bool {
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, syscall.EPIPE) {
		return false
	}
	select {
	case <-c.ended:
		return true
	case <-time.After(time.Second):
		return false
	}
}

func (c *child) exchange(request Request) (Reply, error) {
	if err := c.memory.lay(request); err != nil {
		return Reply{}, fmt.Errorf("shared memory: %w", err)
	}
	if err := writeRequest(c.requests, request); err != nil {
		return Reply{}, err
	}
	reply, err := readReply(c.replies, c.memory.file, request)
	return reply, errors.Join(err, c.memory.trim())
}

// reusable reports whether the child is ready for another request.
func reusable(err error) bool {
	return err == nil || errors.Is(err, ErrRefused) || errors.Is(err, ErrUnsupported) || errors.Is(err, ErrMemory) || errors.Is(err, ErrAbsent)
}

// explain says why there is no reply, of a child that has ended.
func (c *child) explain(err error) error {
	status, _ := c.command.ProcessState.Sys().(syscall.WaitStatus)
	said := c.words.String()
	switch {
	case outOfMemory(said):
		return fmt.Errorf("%w: %s", ErrMemory, said)
	case said != "":
		return fmt.Errorf("%w: %s", ErrCrashed, said)
	case status.Signaled() && (status.Signal() == syscall.SIGKILL || status.Signal() == syscall.SIGTERM):
		return fmt.Errorf("%w: %v", ErrKilled, status.Signal())
	}
	return fmt.Errorf("%w: %v: %w", ErrCrashed, c.command.ProcessState, err)
}

// outOfMemory knows the last words of the Go runtime.
func outOfMemory(said string) bool {
	for _, words := range []string{"out of memory", "cannot allocate memory", "failed to create new OS thread", "pthread_create failed"} {
		if strings.Contains(said, words) {
			return true
		}
	}
	return false
}

func (c *child) kill() { _ = c.command.Process.Kill() } // fails only for one that has ended

// end kills the child and waits until it is gone.
func (c *child) end() {
	c.kill()
	<-c.ended
	c.closeOurs()
}

func (c *child) gone() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// words keeps the beginning of what a process writes to its standard error.
type words struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer.
func (w *words) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, p[:min(len(p), mostSentence-len(w.text))]...)
	return len(p), nil
}

// String is the first line that says something, fit to be shown.
func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for line := range strings.Lines(string(w.text)) {
		if line = strings.TrimSpace(line); sentence(line) {
			return line
		}
	}
	return ""
}
