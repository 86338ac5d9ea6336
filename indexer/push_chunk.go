package indexer

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"polylens/indexer/catalog"
)

// do does one chunk under its lease.
func (p *Pushes) do(ctx context.Context, chunk catalog.Chunk, collection string) error {
	if chunk.Losses > mostChunkLosses {
		return fmt.Errorf("lines %d to %d: %d workers have fallen silent over them", chunk.First, chunk.Last, chunk.Losses)
	}
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
	work, err := p.documents.open(ctx, collection, true)
	if err != nil {
		return err
	}
	work.chunk = &chunk
	known, err := p.jobs.Outcomes(ctx, chunk.Job, chunk.First, chunk.Last)
	if err != nil {
		return err
	}
	file, err := p.blobs.Open(ctx, chunk.Content)
	if err != nil {
		return err
	}
	defer file.Close()
	piece := &piece{pushes: p, work: work, lines: bufio.NewReaderSize(file, 1<<16), known: known}
	keep, discard := context.WithCancel(ctx)
	defer piece.failed.discard(discard)
	piece.failed.create = func() (io.WriteCloser, error) { return p.blobs.Create(keep, failedName(chunk)) }
	for !piece.ended {
		if err := piece.round(ctx); err != nil {
			return err
		}
	}
	if err := piece.failed.close(); err != nil {
		return err
	}
	if err := work.mirrorAll(ctx); err != nil {
		return err
	}
	if len(known) > 0 { // an earlier worker may not have come to it
		if _, err := work.mirror().repair(ctx); err != nil {
			return err
		}
	}
	if err := p.jobs.FinishChunk(ctx, chunk, piece.counts); err != nil {
		return err
	}
	return p.blobs.Delete(context.WithoutCancel(ctx), chunk.Content)
}

// piece is a chunk that is being worked on.
type piece struct {
	pushes *Pushes
	work   *pushing
	lines  *bufio.Reader
	known  map[int64]catalog.Outcome // of items that an earlier worker has done
	next   *line                     // read, and to be done in the next round
	ended  bool
	counts catalog.PushCounts
	failed failedLines
}

// line is an item of a chunk.
type line struct {
	number   int64
	text     []byte
	document Document
	err      error // why it cannot be used
}

// done is a line that was worked on.
type done struct {
	readied
	text []byte // of one that failed
	err  error  // of the item; nil: it can be saved
}

// round does lines until one has an identity that another of the round has: that has to
// wait until the other is saved.
func (p *piece) round(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	lines, ready := make(chan line), make(chan done, p.work.options.Batch)
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
		if outcome, isKnown := p.known[next.number]; isKnown {
			p.counts.Add(outcome)
			if outcome == catalog.OutcomeFailed {
				if err := p.failed.add(next.text); err != nil {
					return err
				}
			}
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
	text, err := p.lines.ReadBytes('\n')
	if errors.Is(err, io.EOF) && len(text) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	number, rest, _ := bytes.Cut(bytes.TrimSuffix(text, []byte("\n")), []byte(" "))
	n, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("chunk is damaged: %w", err)
	}
	next := &line{number: n, text: rest}
	next.document, next.err = parseLine(rest)
	return next, nil
}

// readyAll works on lines with several workers.
func (p *piece) readyAll(ctx context.Context, lines <-chan line, ready chan<- done) error {
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
func (p *piece) readyOne(ctx context.Context, l line) (d done, err error) {
	d = done{readied: readied{id: l.document.ID, op: l.document.Operation}, err: l.err}
	if d.err == nil {
		d.readied, d.err = p.work.ready(ctx, l.document)
	}
	d.number = l.number
	if d.err != nil {
		d.text = l.text // of others it is not needed, and may be large
	}
	if d.err != nil && (ctx.Err() != nil || !isOfItem(d.err)) {
		return d, fmt.Errorf("line %d: %w", l.number, d.err)
	}
	return d, nil
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

// saveAll saves batch after batch.
func (p *piece) saveAll(ctx context.Context, ready <-chan done) error {
	var batch []readied
	var failed []catalog.ItemResult
	contents := make(map[string]bool)
	flush := func() error {
		err := p.save(ctx, batch, failed)
		batch, failed = nil, nil
		clear(contents)
		return err
	}
	for d := range ready {
		switch {
		case d.err != nil:
			failed = append(failed, p.failure(d))
			if err := p.failed.add(d.text); err != nil {
				return err
			}
		default:
			if d.pixels != nil && contents[d.image.SHA256] {
				d.pixels = nil // those of its double are enough
			} else if d.pixels != nil {
				contents[d.image.SHA256] = true
			}
			batch = append(batch, d.readied)
		}
		if len(contents) < p.work.options.Batch && len(batch)+len(failed) < longBatch {
			continue
		}
		if err := flush(); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return flush()
}

func (p *piece) save(ctx context.Context, batch []readied, failed []catalog.ItemResult) error {
	if len(batch)+len(failed) == 0 {
		return nil
	}
	without, err := p.work.save(ctx, batch, failed)
	if err != nil {
		return err
	}
	for range append(failed, make([]catalog.ItemResult, len(without))...) {
		p.counts.Add(catalog.OutcomeFailed)
	}
	refused := make(map[int64]bool, len(without))
	for _, r := range without {
		refused[r.number] = true
	}
	for _, r := range batch {
		if !refused[r.number] {
			p.counts.Add(r.outcome)
		}
	}
	return nil
}

func (p *piece) failure(d done) catalog.ItemResult {
	return catalog.ItemResult{
		Number: d.number, ID: cleanID(d.id), Operation: d.op, Outcome: catalog.OutcomeFailed,
		Problem: p.pushes.problem(d.err), Detail: cleanReason(d.err.Error()),
	}
}

// cleanID is an identity that may be none, as it can be kept.
func cleanID(id string) string {
	if catalog.ValidateItemID(id) != nil {
		return cleanReason(id)
	}
	return id
}
