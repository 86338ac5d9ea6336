package decode

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// clock is the context of one call. It ends when its time is over; that begins anew once
// there is memory to decode in, so that a picture is not called slow for having waited.
type clock struct {
	context.Context
	limit   time.Duration
	timer   *time.Timer
	cancel  context.CancelCauseFunc
	waiting atomic.Bool // for memory
}

func newClock(ctx context.Context, limit time.Duration) *clock {
	inner, cancel := context.WithCancelCause(ctx)
	c := &clock{Context: inner, limit: limit, cancel: cancel}
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

// wait says that the call waits for memory from now on.
func (c *clock) wait() {
	if c != nil {
		c.waiting.Store(true)
	}
}

// begin says that it has memory.
func (c *clock) begin() {
	if c != nil {
		c.waiting.Store(false)
		if c.timer.Stop() {
			c.timer.Reset(c.limit)
		}
	}
}

// keptWaiting reports whether the time, ours or the caller's, was over before there was
// memory.
func (c *clock) keptWaiting() bool {
	return c.waiting.Load() && errors.Is(c.Err(), context.DeadlineExceeded)
}
