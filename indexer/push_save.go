package indexer

import (
	"context"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
)

// What is encoded is saved as soon as it is so much, or has taken so long: a transaction
// waits for the disk twice, however little it holds, and a fast model has the next batch
// ready before that.
const (
	savedAtOnce = 128
	savedWithin = 250 * time.Millisecond
)

// saving are the documents of a round on their way into the catalogue.
type saving struct {
	piece    *piece
	batch    []readied // to be encoded
	contents batchContents
	encoded  []database.PushItem // to be saved
	since    time.Time           // when encoding the first of them began
	due      <-chan time.Time    // when they are saved at the latest
}

// saveAll encodes and saves documents until there are no more.
func (p *piece) saveAll(ctx context.Context, ready <-chan readied) error {
	s := &saving{piece: p, contents: make(batchContents)}
	for {
		select {
		case r, more := <-ready:
			if more {
				if err := s.add(ctx, r); err != nil {
					return err
				}
				continue
			}
			if ctx.Err() != nil { // ready was closed because another stage failed
				return context.Cause(ctx)
			}
			if err := s.encode(ctx); err != nil {
				return err
			}
			return s.save(ctx)
		case <-s.due:
			if err := s.save(ctx); err != nil {
				return err
			}
		}
	}
}

func (s *saving) add(ctx context.Context, r readied) error {
	s.contents.add(&r.prepared)
	s.batch = append(s.batch, r)
	if !s.contents.full(len(s.batch), s.piece.work.options.Batch) {
		return nil
	}
	if err := s.encode(ctx); err != nil {
		return err
	}
	if len(s.encoded) < savedAtOnce && time.Since(s.since) < savedWithin {
		return nil
	}
	return s.save(ctx)
}

func (s *saving) encode(ctx context.Context) error {
	if len(s.encoded) == 0 {
		s.since, s.due = time.Now(), time.After(savedWithin)
	}
	items, err := s.piece.work.itemsOf(ctx, s.batch)
	s.batch, s.encoded = nil, append(s.encoded, items...)
	clear(s.contents)
	return err
}

// save saves what is encoded.
func (s *saving) save(ctx context.Context) error {
	items := s.encoded
	s.encoded, s.due = nil, nil
	if len(items) == 0 {
		return nil
	}
	if err := s.piece.work.save(ctx, items); err != nil {
		return err
	}
	for _, item := range items {
		outcome := item.Outcome
		if item.Err != nil {
			outcome = catalog.OutcomeFailed
		}
		s.piece.count(item.Number, outcome)
	}
	return nil
}
