package outside

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// Options of a Pool.
type Options struct {
	// Libraries are paths by the names of decoders; "" is the library that the system
	// has. Other decoders are not available.
	Libraries map[string]string
	Children  int           // at most, at the same time; default 1
	Idle      time.Duration // how long a child waits for the next picture; default 30 s
	Memory    int64         // bytes that one picture may take at most, whatever its request says; default no bound
}

// mostBusy is how long a child decodes in all. A library that loses a little memory
// with every picture loses it for that long.
const mostBusy = 10 * time.Minute

// Pool decodes in children, which are started when they are first needed. It is safe
// for concurrent use.
type Pool struct {
	task  childTask
	idle  time.Duration
	slots *semaphore.Weighted

	mu      sync.Mutex
	waiting []*child // the last has worked last
	working map[*child]bool
	closed  bool
}

// New makes a pool. It starts nothing.
func New(options Options) *Pool {
	if options.Idle == 0 {
		options.Idle = 30 * time.Second
	}
	return &Pool{
		task:    childTask{Libraries: maps.Clone(options.Libraries), Memory: options.Memory},
		idle:    options.Idle,
		slots:   semaphore.NewWeighted(int64(max(1, options.Children))),
		working: map[*child]bool{},
	}
}

// Has reports whether a decoder is among Options.Libraries. A nil Pool has none.
func (p *Pool) Has(decoder string) bool {
	if p == nil {
		return false
	}
	_, ok := p.task.Libraries[decoder]
	return ok
}

// Decode waits for a child and lets it decode. It returns soon after the context ends,
// with its error. The picture belongs to the caller. Of a picture whose child has been
// killed from outside it makes a second try.
func (p *Pool) Decode(ctx context.Context, request Request) (Reply, error) {
	if err := p.check(request); err != nil {
		return Reply{}, err
	}
	if err := p.slots.Acquire(ctx, 1); err != nil {
		return Reply{}, err
	}
	defer p.slots.Release(1)
	reply, err := p.once(ctx, request)
	if errors.Is(err, ErrKilled) {
		reply, err = p.once(ctx, request)
	}
	return reply, err
}

// check refuses what would take more memory than it says, or than any may.
func (p *Pool) check(request Request) error {
	least := pixelsAt(len(request.Data)) + mostPixels(request)
	if most := p.task.Memory; least > request.Memory || most > 0 && request.Memory > most {
		return fmt.Errorf("%w: %d MiB, of them %d for the picture and its data; the limit is %d",
			ErrMemory, request.Memory>>20, least>>20, most>>20)
	}
	return nil
}

func (p *Pool) once(ctx context.Context, request Request) (Reply, error) {
	c, err := p.take()
	if err != nil {
		return Reply{}, fmt.Errorf("%w: %w", ErrAbsent, err)
	}
	defer p.giveBack(c)
	return c.decode(ctx, request)
}

var errClosed = errors.New("decoding has been closed")

// take returns a child that waits, or a new one.
func (p *Pool) take() (*child, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.closed && len(p.waiting) > 0 {
		c := p.waiting[len(p.waiting)-1]
		p.waiting = p.waiting[:len(p.waiting)-1]
		c.idleEnd.Stop()
		if !c.gone() {
			p.working[c] = true
			return c, nil
		}
		c.end()
	}
	if p.closed {
		return nil, errClosed
	}
	c, err := start(p.task)
	if err == nil {
		p.working[c] = true
	}
	return c, err
}

// giveBack keeps a child that is fit for more.
func (p *Pool) giveBack(c *child) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.working, c)
	if p.closed || c.gone() || c.busy > mostBusy {
		c.end()
		return
	}
	p.waiting = append(p.waiting, c)
	c.idleEnd = time.AfterFunc(p.idle, func() { p.dismiss(c) })
}

// dismiss ends a child that still waits.
func (p *Pool) dismiss(c *child) {
	p.mu.Lock()
	i := slices.Index(p.waiting, c)
	if i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	}
	p.mu.Unlock()
	if i >= 0 {
		c.end()
	}
}

// Close ends all children, also those at work, whose callers get an error. A nil Pool
// is closed already.
func (p *Pool) Close() error {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for c := range p.working {
		c.kill()
	}
	for _, c := range p.waiting {
		c.idleEnd.Stop()
		c.end()
	}
	p.waiting = nil
	return nil
}
