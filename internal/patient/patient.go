package patient

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"
)

// ErrSilent is wrapped by the errors of calls that were left unanswered, or not made
// since others were.
var ErrSilent = errors.New("the file system does not answer")

// Left is the error of a call that was left. Its answer, if it ever comes, is lost.
type Left struct {
	For   time.Duration // that was waited; 0 for a call that was not made
	Cause error         // ErrSilent, or why nobody wants the answer
}

// Error implements error.
func (l *Left) Error() string {
	const remedy = "see whether the disk or the network share that holds it is still there, and try again when it is"
	switch {
	case !errors.Is(l.Cause, ErrSilent):
		return l.Cause.Error()
	case l.For == 0:
		return fmt.Sprintf("%v, and earlier calls still wait for it: %s", ErrSilent, remedy)
	}
	return fmt.Sprintf("%v for %v: %s", ErrSilent, l.For, remedy)
}

// Unwrap gives the cause.
func (l *Left) Unwrap() error { return l.Cause }

// Limits say how long calls are waited for, and how many may be left.
type Limits struct {
	Patience  time.Duration // how long an answer is waited for
	Grace     time.Duration // and how long when nobody wants it: most come within that
	PerFolder int           // calls that may be left in one folder before it is asked no more
	Total     int           // calls that may be left in all before nothing is asked any more
	AtOnce    int           // threads that calls may hold, those that are waited for and those that were left
}

// Caller makes calls and counts those that it left. Its methods may be called from many
// goroutines.
type Caller struct {
	limits Limits
	turns  chan struct{} // of those who hold a thread
	mutex  sync.Mutex
	left   map[string]int // by folder
	total  int
}

// New returns a Caller.
func New(limits Limits) *Caller {
	return &Caller{limits: limits, turns: make(chan struct{}, limits.AtOnce), left: map[string]int{}}
}

// Unanswered is how many calls were left and have not been answered yet.
func (c *Caller) Unanswered() int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.total
}

// Call returns what call does with a path, or a *Left when it takes too long or ctx
// ends. What call uses must be its own, since it may go on afterwards; a value that
// comes too late is given to late, which may be nil. It waits for its turn where there
// are too many calls at once, as long as for an answer.
func Call[T any](ctx context.Context, c *Caller, path string, call func() (T, error), late func(T)) (T, error) {
	var none T
	folder := filepath.Dir(path)
	if err := c.begin(ctx, folder); err != nil {
		return none, err
	}
	answers, leaves := make(chan answer[T]), make(chan struct{})
	go func() {
		defer c.end()
		given := ask(call)
		select {
		case answers <- given:
		case <-leaves:
			c.count(folder, -1)
			if late != nil && given.panicked == nil && given.err == nil {
				late(given.value)
			}
		}
	}()
	given, err := wait(ctx, c.limits, answers)
	if err != nil {
		c.count(folder, 1)
		close(leaves)
		return none, err
	}
	if given.panicked != nil {
		panic(given.panicked)
	}
	return given.value, given.err
}

// answer is what a call came to.
type answer[T any] struct {
	value    T
	err      error
	panicked any
}

func ask[T any](call func() (T, error)) (given answer[T]) {
	defer func() { given.panicked = recover() }()
	given.value, given.err = call()
	return given
}

// wait gives the answer, or a *Left.
func wait[T any](ctx context.Context, limits Limits, answers <-chan answer[T]) (answer[T], error) {
	begun := time.Now()
	timer := time.NewTimer(limits.Patience)
	defer timer.Stop()
	cause := ErrSilent
	select {
	case given := <-answers:
		return given, nil
	case <-timer.C:
	case <-ctx.Done():
		cause = why(ctx)
		timer.Reset(limits.Grace)
		select {
		case given := <-answers:
			return given, nil
		case <-timer.C:
		}
	}
	return answer[T]{}, &Left{For: time.Since(begun).Round(time.Millisecond), Cause: cause}
}

// why a context ended, as both of its errors.
func why(ctx context.Context) error {
	if err, cause := ctx.Err(), context.Cause(ctx); err != cause {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return ctx.Err()
}

// begin waits for the turn of a call, which ends with end. There is none where too many
// calls are left already.
func (c *Caller) begin(ctx context.Context, folder string) error {
	if err := c.mayAsk(ctx, folder); err != nil {
		return err
	}
	select {
	case c.turns <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(c.limits.Patience)
	defer timer.Stop()
	select {
	case c.turns <- struct{}{}:
	case <-timer.C:
		return &Left{Cause: ErrSilent}
	case <-ctx.Done():
		return &Left{Cause: why(ctx)}
	}
	err := c.mayAsk(ctx, folder) // others may have been left since
	if err != nil {
		c.end()
	}
	return err
}

func (c *Caller) end() { <-c.turns }

// mayAsk is nil unless too many calls are left already.
func (c *Caller) mayAsk(ctx context.Context, folder string) error {
	if ctx.Err() != nil {
		return &Left{Cause: why(ctx)}
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.total >= c.limits.Total || c.left[folder] >= c.limits.PerFolder {
		return &Left{Cause: ErrSilent}
	}
	return nil
}

func (c *Caller) count(folder string, change int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.total += change
	c.left[folder] += change
	if c.left[folder] == 0 {
		delete(c.left, folder)
	}
}
