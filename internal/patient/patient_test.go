package patient

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const (
	aWhile = 20 * time.Millisecond
	long   = time.Minute // more than a test waits, and what it fails with
)

func newCaller() *Caller {
	return New(Limits{Patience: aWhile, Grace: aWhile, PerFolder: 2, Total: 3, AtOnce: 8})
}

// hang makes a call that is answered when the test says so.
func hang(ctx context.Context, c *Caller, path string, until <-chan struct{}, late func(int)) error {
	_, err := Call(ctx, c, path, func() (int, error) { <-until; return 7, nil }, late)
	return err
}

// waitFor fails the test when something does not come true.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(long); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

func TestAnswers(t *testing.T) {
	c := New(Limits{Patience: long, Grace: long, PerFolder: 1, Total: 1, AtOnce: 1})
	if n, err := Call(t.Context(), c, "/a", func() (int, error) { return 3, nil }, nil); n != 3 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	failure := errors.New("failure")
	if _, err := Call(t.Context(), c, "/a", func() (int, error) { return 3, failure }, nil); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	func() {
		defer func() {
			if recover() != "oh" {
				t.Error("a panic is lost")
			}
		}()
		_, _ = Call(t.Context(), c, "/a", func() (int, error) { panic("oh") }, nil)
	}()
	if c.Unanswered() != 0 {
		t.Errorf("%d calls are left", c.Unanswered())
	}
}

// TestSilence: a call that is not answered is left, says so, and is counted until the
// answer comes, which is given to whoever puts it away.
func TestSilence(t *testing.T) {
	c, until, late := newCaller(), make(chan struct{}), make(chan int, 1)
	err := hang(t.Context(), c, "/disk/a", until, func(n int) { late <- n })
	var left *Left
	if !errors.As(err, &left) || !errors.Is(err, ErrSilent) || left.For < aWhile || !strings.Contains(err.Error(), "network share") {
		t.Errorf("got %v", err)
	}
	if c.Unanswered() != 1 {
		t.Errorf("%d calls are left", c.Unanswered())
	}
	close(until)
	select {
	case n := <-late:
		if n != 7 {
			t.Errorf("the late answer is %d", n)
		}
	case <-time.After(long):
		t.Fatal("the late answer is lost")
	}
	waitFor(t, "an answered call counts as left", func() bool { return c.Unanswered() == 0 })
	if err := hang(t.Context(), c, "/disk/a", until, nil); err != nil {
		t.Errorf("the folder answers again: %v", err)
	}
}

// TestNobodyWaits: a call whose context ends is left with the cause of that.
func TestNobodyWaits(t *testing.T) {
	c, until := New(Limits{Patience: long, Grace: aWhile, PerFolder: 2, Total: 3, AtOnce: 8}), make(chan struct{})
	defer close(until)
	cause := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(aWhile, func() { cancel(cause) })
	var left *Left
	if err := hang(ctx, c, "/a", until, nil); !errors.Is(err, cause) || !errors.Is(err, context.Canceled) || errors.Is(err, ErrSilent) || !errors.As(err, &left) {
		t.Errorf("got %v", err)
	}
	if err := hang(ctx, c, "/a", nil, nil); !errors.Is(err, cause) {
		t.Errorf("a call that nobody wants: %v", err)
	}
	if c.Unanswered() != 1 {
		t.Errorf("%d calls are left", c.Unanswered())
	}
}

// TestGrace: an answer that comes just after nobody wants it any more leaves no trace.
func TestGrace(t *testing.T) {
	c := New(Limits{Patience: long, Grace: long, PerFolder: 2, Total: 3, AtOnce: 8})
	ctx, cancel := context.WithCancel(t.Context())
	n, err := Call(ctx, c, "/a", func() (int, error) { cancel(); time.Sleep(aWhile); return 5, nil }, nil)
	if n != 5 || err != nil || c.Unanswered() != 0 {
		t.Errorf("got %d, %v, and %d are left", n, err, c.Unanswered())
	}
}

// TestBounds: a folder that does not answer is asked no more, others are, and at some
// number of calls nobody is.
func TestBounds(t *testing.T) {
	c, until := newCaller(), make(chan struct{})
	for _, path := range []string{"/disk/a", "/disk/b", "/other/a"} {
		if err := hang(t.Context(), c, path, until, nil); !errors.Is(err, ErrSilent) {
			t.Errorf("%s: %v", path, err)
		}
		if path == "/disk/b" {
			wantRefused(t, c, "/disk/c")
			if _, err := Call(t.Context(), c, "/other/b", func() (int, error) { return 0, nil }, nil); err != nil {
				t.Errorf("another folder: %v", err)
			}
		}
	}
	wantRefused(t, c, "/third/a")
	close(until)
	waitFor(t, "answered calls count as left", func() bool { return c.Unanswered() == 0 })
	if len(c.left) != 0 {
		t.Errorf("folders %v are kept", c.left)
	}
}

func wantRefused(t *testing.T, c *Caller, path string) {
	t.Helper()
	_, err := Call(t.Context(), c, path, func() (int, error) { t.Errorf("%s is asked", path); return 0, nil }, nil)
	if !errors.Is(err, ErrSilent) || !strings.Contains(err.Error(), "earlier calls") {
		t.Errorf("%s: %v", path, err)
	}
}

// TestAtOnce: calls hold no more threads than they may, whether they are left or are waited
// for still; the others wait for their turn.
func TestAtOnce(t *testing.T) {
	const most, all = 3, 20
	c := New(Limits{Patience: long, Grace: aWhile, PerFolder: all, Total: all, AtOnce: most})
	until := make(chan struct{})
	var made atomic.Int32
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, all)
	for range all {
		go func() {
			_, err := Call(ctx, c, "/a", func() (int, error) {
				made.Add(1)
				<-until
				return 0, nil
			}, nil)
			done <- err
		}()
	}
	waitFor(t, "the first calls are not made", func() bool { return made.Load() == most })
	time.Sleep(aWhile)
	cancel()
	for range all {
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	if c.Unanswered() != most || made.Load() != most {
		t.Errorf("%d calls are left, %d were made at once, want %d", c.Unanswered(), made.Load(), most)
	}
	close(until)
	waitFor(t, "answered calls hold their turn", func() bool { return len(c.turns) == 0 })
	for range 2 * most {
		if n, err := Call(t.Context(), c, "/a", func() (int, error) { return 5, nil }, nil); n != 5 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
	}
}

// TestNoTurn: a call whose turn does not come says that the file system does not answer.
func TestNoTurn(t *testing.T) {
	c, until := New(Limits{Patience: aWhile, Grace: aWhile, PerFolder: 9, Total: 9, AtOnce: 1}), make(chan struct{})
	defer close(until)
	if err := hang(t.Context(), c, "/disk/a", until, nil); !errors.Is(err, ErrSilent) {
		t.Errorf("the first: %v", err)
	}
	wantRefused(t, c, "/other/a")
}
