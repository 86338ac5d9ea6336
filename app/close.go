package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// How long the parts of a program may take to end. Each has its own share, so that
// none takes the time in which Milvus flushes: a job that does not return, or the
// checkpoint of a large model. With the answers that are under way (see web.Serve)
// they add up to less than the 90 seconds that systemd waits.
const (
	closeStart  = 5 * time.Second  // what was still starting
	closeJobs   = 35 * time.Second // jobs, and the checkpoint of a training
	closeMilvus = 30 * time.Second
	closeOther  = 5 * time.Second // each; they only let go of things
)

// closeLate is how much longer than its share a part is waited for: to give up in
// order takes time, too.
const closeLate = 3 * time.Second

// closers are what ends with a program. Its zero value is ready.
type closers struct {
	mu    sync.Mutex
	tasks []closer
	ended bool
}

type closer struct {
	within time.Duration
	task   func(context.Context) error
}

// later adds a task for close, for something that is let go of at once.
func (p *program) later(task func(context.Context) error) { p.laterWithin(closeOther, task) }

// laterWithin adds a task for close that may take so long.
func (p *program) laterWithin(within time.Duration, task func(context.Context) error) {
	if c := (closer{within, task}); !p.closers.add(c) { // it was still starting
		if err := c.run(context.Background(), closeLate); err != nil {
			p.log.Warn("a part that had just started does not end", "error", err)
		}
	}
}

// add reports whether the program has not ended yet.
func (c *closers) add(one closer) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.tasks = append(c.tasks, one)
	}
	return !c.ended
}

// close ends everything that was opened, the last first, also when ctx has ended.
func (p *program) close(ctx context.Context) error { return p.closers.close(ctx, closeLate) }

func (c *closers) close(ctx context.Context, late time.Duration) error {
	c.mu.Lock()
	tasks := c.tasks
	c.tasks, c.ended = nil, true
	c.mu.Unlock()
	var err error
	for i := len(tasks) - 1; i >= 0; i-- {
		err = errors.Join(err, tasks[i].run(context.WithoutCancel(ctx), late))
	}
	return err
}

// run ends one part. One that does not return is left behind: the process is about to
// end, and the others must.
func (c closer) run(ctx context.Context, late time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, c.within)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- c.task(ctx) }()
	select {
	case err := <-done:
		return err
	case <-time.After(c.within + late):
		return fmt.Errorf("a part of the program has not ended within %s", c.within+late)
	}
}
