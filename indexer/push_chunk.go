package indexer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"polylens/indexer/catalog"
)

// do does one chunk under its lease.
func (p *Pushes) do(ctx context.Context, chunk catalog.Chunk, collection string) error {
	ctx, end := context.WithCancelCause(ctx)
	var keeping sync.WaitGroup
	keeping.Go(func() { p.keep(ctx, end, chunk) })
	err := p.doHeld(ctx, chunk, collection)
	cause := context.Cause(ctx)
	end(nil)
	keeping.Wait()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, catalog.ErrLeaseLost) || errors.Is(cause, catalog.ErrLeaseLost):
		return nil // another worker does it
	}
	if chunk.Losses > mostChunkLosses {
		chunk.Losses = 1 // the job can be tried again, and still knows that somebody was lost
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.lease/3)
	defer cancel()
	return errors.Join(err, p.jobs.HandBackChunk(after, chunk))
}

// keep renews the lease of a chunk until ctx ends, and ends it when the lease is lost.
func (p *Pushes) keep(ctx context.Context, end context.CancelCauseFunc, chunk catalog.Chunk) {
	renewed := time.Now()
	for sleep(ctx, p.lease/3) == nil {
		began := time.Now()
		call, cancel := context.WithDeadline(ctx, renewed.Add(p.lease))
		err := p.jobs.RenewChunk(call, chunk, p.lease)
		cancel()
		switch {
		case err == nil:
			renewed = began
		case errors.Is(err, catalog.ErrLeaseLost) || time.Since(renewed) >= p.lease:
			end(catalog.ErrLeaseLost)
			return
		}
	}
}

func (p *Pushes) doHeld(ctx context.Context, chunk catalog.Chunk, collection string) error {
	if chunk.Losses > mostChunkLosses {
		return fmt.Errorf("lines %d to %d: %d workers have fallen silent over them", chunk.First, chunk.Last, chunk.Losses)
	}
	work, err := p.documents.open(ctx, collection, true)
	if err != nil {
		return err
	}
	work.chunk, work.explain = &chunk, p.explain
	known, err := p.jobs.Results(ctx, chunk.Job, chunk.First, chunk.Last)
	if err != nil {
		return err
	}
	file, err := p.blobs.Open(ctx, chunk.Content)
	if err != nil {
		return err
	}
	defer file.Close()
	piece := &piece{pushes: p, work: work, lines: bufio.NewReaderSize(file, 1<<16), known: known, failed: make(map[int64]bool)}
	for !piece.ended {
		if err := piece.round(ctx); err != nil {
			return err
		}
	}
	if err := p.keepFailed(ctx, chunk, piece.failed); err != nil {
		return err
	}
	if err := work.mirrorAll(ctx); err != nil {
		return err
	}
	if err := p.jobs.FinishChunk(ctx, chunk, piece.counts); err != nil {
		return err
	}
	p.discard(ctx, chunk.Content)
	return nil
}

// discard deletes a file that nobody needs any more, whether or not ctx has ended. One
// that stays is collected some day.
func (p *Pushes) discard(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardLimit)
	defer cancel()
	_ = p.blobs.Delete(ctx, name) // see above
}

const discardLimit = 10 * time.Second

// piece is a chunk that is being worked on.
type piece struct {
	pushes *Pushes
	work   *pushing
	lines  *bufio.Reader
	known  map[int64]catalog.ItemResult // of items that an earlier worker has done
	next   *line                        // read, and to be done in the next round
	ended  bool
	counts catalog.PushCounts
	failed map[int64]bool // numbers of lines
}

// count counts an item that has its outcome.
func (p *piece) count(number int64, outcome catalog.Outcome) {
	p.counts.Add(outcome)
	if outcome == catalog.OutcomeFailed {
		p.failed[number] = true
	}
}

// line is an item of a chunk.
type line struct {
	number   int64
	document Document
	err      error // why it cannot be used
}

// round does lines until one has an identity that another of the round has: that has to
// wait until the other is saved.
func (p *piece) round(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	lines, ready := make(chan line), make(chan readied, p.work.options.Batch)
	group.Go(func() error {
		defer close(lines)
		return p.read(ctx, lines)
	})
	group.Go(func() error {
		defer close(ready)
		return p.readyAll(ctx, lines, ready)
	})
	group.Go(func() error { return p.saveAll(ctx, ready) })
	return group.Wait()
}

// read passes the lines of a round on.
func (p *piece) read(ctx context.Context, lines chan<- line) error {
	here := make(map[string]bool)
	for {
		next := p.next
		p.next = nil
		if next == nil {
			var err error
			if next, err = p.readLine(); err != nil {
				return err
			}
		}
		if next == nil {
			p.ended = true
			return nil
		}
		if result, isKnown := p.known[next.number]; isKnown {
			p.count(next.number, result.Outcome)
			p.work.touch(result) // the index may not know of it
			continue
		}
		if here[next.document.ID] && next.err == nil && next.document.ID != "" {
			p.next = next
			return nil
		}
		here[next.document.ID] = true
		if err := send(ctx, lines, *next); err != nil {
			return err
		}
	}
}

// readLine is nil at the end.
func (p *piece) readLine() (*line, error) {
	number, text, err := readNumbered(p.lines)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	next := &line{number: number}
	next.document, next.err = parseLine(text)
	return next, nil
}

// readyAll works on lines with several workers.
func (p *piece) readyAll(ctx context.Context, lines <-chan line, ready chan<- readied) error {
	group, ctx := errgroup.WithContext(ctx)
	for range p.work.options.Workers {
		group.Go(func() error {
			for l := range lines {
				d, err := p.readyOne(ctx, l)
				if err != nil {
					return err
				}
				if err := send(ctx, ready, d); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// readyOne gives an error that ends the job, and not only the item.
func (p *piece) readyOne(ctx context.Context, l line) (readied, error) {
	r, err := readied{}, l.err
	if err == nil {
		r, err = p.work.ready(ctx, l.document)
	}
	r.Number = l.number
	if err == nil {
		return r, nil
	}
	r.ID, r.Operation, r.err = cleanID(l.document.ID), l.document.Operation, err
	if ctx.Err() != nil || !isOfItem(err) {
		return r, fmt.Errorf("line %d: %w", l.number, err)
	}
	return r, nil
}

// isOfItem reports whether an error says something about an item alone.
func isOfItem(err error) bool {
	for _, own := range []error{catalog.ErrPicture, catalog.ErrInvalid, catalog.ErrImageNotFound, catalog.ErrConflict} {
		if errors.Is(err, own) {
			return true
		}
	}
	return false
}

// explain names an error for clients, in words that can be kept.
func (p *Pushes) explain(err error) (problem, detail string) {
	return p.problem(err), cleanReason(err.Error())
}

// cleanID is an identity that may be none, as it can be kept.
func cleanID(id string) string {
	if catalog.ValidateItemID(id) != nil {
		return cleanReason(id)
	}
	return id
}
