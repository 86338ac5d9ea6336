package decode

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// clock is the context of one call. It ends when its time to decode is over, or that to
// wait for memory. Each is the limit, and is counted by itself, so that a picture is not
// called slow for having waited, and one that several decoders try has no more of either.
type clock struct {
	context.Context
	timer   *time.Timer
	cancel  context.CancelCauseFunc
	waiting atomic.Bool // for memory

	since time.Time     // when it began to wait, or to decode
	left  time.Duration // for what it has been doing since then
	other time.Duration // for the other
}

func newClock(ctx context.Context, limit time.Duration) *clock {
	inner, cancel := context.WithCancelCause(ctx)
	c := &clock{Context: inner, cancel: cancel, since: time.Now(), left: limit, other: limit}
	c.timer = time.AfterFunc(limit, func() { cancel(context.DeadlineExceeded) })
	return c
}

// Err implements context.Context: DeadlineExceeded when the time is over.
func (c *clock) Err() error {
	if cause := context.Cause(c.Context); errors.Is(cause, context.DeadlineExceeded) {
		return context.DeadlineExceeded
	}
	return c.Context.Err()
}

// stop ends it.
func (c *clock) stop() {
	c.timer.Stop()
	c.cancel(nil)
}

// wait says that the call waits for memory from now on; begin follows, or the end.
func (c *clock) wait() { c.turn(true) }

// begin says that it has memory.
func (c *clock) begin() { c.turn(false) }

func (c *clock) turn(waiting bool) {
	if c == nil {
		return
	}
	c.waiting.Store(waiting)
	if !c.timer.Stop() { // it is over
		return
	}
	now := time.Now()
	c.left, c.other = c.other, c.left-now.Sub(c.since)
	c.since = now
	c.timer.Reset(c.left)
}

// keptWaiting reports whether the time, ours or the caller's, was over before there was
// memory.
func (c *clock) keptWaiting() bool {
	return c.waiting.Load() && errors.Is(c.Err(), context.DeadlineExceeded)
}
