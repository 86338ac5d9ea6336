package fetch

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// maxHosts are remembered. One that is forgotten begins anew.
const maxHosts = 1 << 14

// hosts keeps what is known of each host, and how many requests there are at once.
type hosts struct {
	options Options
	slots   *semaphore.Weighted // of all hosts
	mu      sync.Mutex
	known   *lru.Cache[string, *host]
}

func newHosts(options Options) (*hosts, error) {
	known, err := lru.New[string, *host](maxHosts)
	return &hosts{options: options, slots: semaphore.NewWeighted(int64(options.Concurrent)), known: known}, err
}

func (h *hosts) of(name string) *host {
	h.mu.Lock()
	defer h.mu.Unlock()
	if known, ok := h.known.Get(name); ok {
		return known
	}
	fresh := &host{
		name: name, options: h.options, slots: semaphore.NewWeighted(int64(h.options.HostConcurrent)),
		rate: rate.NewLimiter(rate.Limit(h.options.HostRate), max(1, int(h.options.HostRate))),
	}
	h.known.Add(name, fresh)
	return fresh
}

// enter waits until a request to a host may be sent, and gives the function that says
// how it went: nil for a host that answers. Who waits for one host keeps nobody from
// another.
func (h *hosts) enter(ctx context.Context, name string) (func(error), error) {
	host := h.of(name)
	leave, err := host.enter(ctx)
	if err != nil {
		return nil, err
	}
	if err := h.slots.Acquire(ctx, 1); err != nil {
		leave(interrupted(err))
		return nil, interrupted(err)
	}
	return func(outcome error) {
		h.slots.Release(1)
		leave(outcome)
	}, nil
}

// host is one host: how often it may be asked, and whether it answers.
type host struct {
	name    string
	options Options
	slots   *semaphore.Weighted
	rate    *rate.Limiter

	mu       sync.Mutex
	failures int    // in a row
	last     string // what was wrong
	rest     time.Duration
	restedAt time.Time // it may be tried again
	trying   bool      // by one request, which decides for all
	askedFor time.Time // the host wants no request before
}

func (h *host) enter(ctx context.Context) (func(error), error) {
	if err := h.resting(); err != nil { // before it waits in line
		return nil, err
	}
	if err := h.slots.Acquire(ctx, 1); err != nil {
		return nil, interrupted(err)
	}
	probe, err := h.admit()
	if err == nil {
		err = h.patience(ctx)
	}
	if err != nil {
		h.left(probe, err)
		return nil, err
	}
	return func(outcome error) { h.left(probe, outcome) }, nil
}

// resting returns an error while the host is left alone.
func (h *host) resting() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.restingLocked()
}

func (h *host) restingLocked() error {
	if h.failures < h.options.RestAfter {
		return nil
	}
	left := time.Until(h.restedAt)
	if left <= 0 && !h.trying {
		return nil
	}
	left = max(left, time.Second).Round(time.Second)
	e := fail(Resting, "its host %s failed %d times in a row and is left alone for %v; the last time: %s", short(h.name, maxShown), h.failures, left, h.last)
	e.MayPass, e.After = true, left
	return e
}

// admit lets a request through; of a host that has rested, one that tries.
func (h *host) admit() (probe bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.restingLocked(); err != nil {
		return false, err
	}
	if h.failures >= h.options.RestAfter {
		h.trying, probe = true, true
	}
	return probe, nil
}

// patience waits for as long as the host asked for, and for its rate.
func (h *host) patience(ctx context.Context) error {
	h.mu.Lock()
	wait := time.Until(h.askedFor)
	h.mu.Unlock()
	if wait > h.options.MaxWait {
		e := fail(Resting, "its host asks to be left alone for %v", wait.Round(time.Second))
		e.MayPass, e.After = true, wait
		return e
	}
	if err := sleep(ctx, wait); err != nil {
		return err
	}
	if err := h.rate.Wait(ctx); err != nil {
		return interrupted(cmp.Or(ctx.Err(), context.DeadlineExceeded)) // which would pass while it waits
	}
	return nil
}

// left notes how a request went. What says nothing about the host changes nothing.
func (h *host) left(probe bool, outcome error) {
	h.slots.Release(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if probe {
		h.trying = false
	}
	var e *Error
	switch {
	case !errors.As(outcome, &e):
		h.failures, h.rest = 0, 0
		return
	case e.Reason == Interrupted, e.Reason == Resting, e.Reason == NotAllowed:
		return
	case e.host:
		h.failed(e)
	default: // it answers
		h.failures, h.rest = 0, 0
	}
	if e.After > 0 {
		h.askedFor = time.Now().Add(min(e.After, h.options.MaxRest))
	}
}

func (h *host) failed(e *Error) {
	h.failures++
	h.last = e.words
	if h.failures >= h.options.RestAfter && !time.Now().Before(h.restedAt) {
		h.rest = min(max(2*h.rest, h.options.Rest), h.options.MaxRest)
		h.restedAt = time.Now().Add(h.rest)
	}
}

// sleep waits, unless the context ends.
func sleep(ctx context.Context, wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return interrupted(ctx.Err())
	}
}
