package indexer

import (
	"context"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/search"
)

// mirror keeps the index of one collection under one model equal to the
// catalogue. Rows always come from the catalogue, in first indexing, repair and
// rebuild alike, so that all three give the same index.
type mirror struct {
	store    *database.Store
	index    search.Writer
	key      search.Key // of the index
	patience patience
	waiting  func(bool) // may be nil
	sent     func(rows int)
}

// mirrorPage is how many rows go to the index in one call.
const mirrorPage = 256

func (ix *Indexer) mirror(collection catalog.CollectionID, fingerprint string) mirror {
	return mirror{
		store: ix.store, index: ix.index, key: search.Key{Collection: collection, Fingerprint: fingerprint},
		patience: patience{whole: ix.options.IndexPatience, attempt: ix.options.IndexTimeout, room: ix.options.Room, log: ix.options.Log},
		sent:     func(int) {},
	}
}

// mirror returns the mirror of the collection and the model, which reports when it waits.
func (d *destination) mirror() mirror {
	m := d.Indexer.mirror(d.collection, d.fingerprint)
	m.waiting = d.waiting
	return m
}

// ensure makes the index ready for vectors of dimension numbers.
func (m mirror) ensure(ctx context.Context, dimension int) error {
	return m.patience.try(ctx, "open the index", m.waiting, func(ctx context.Context) error {
		return m.index.Ensure(ctx, m.key, dimension)
	})
}

// repair finishes what an interrupted run left open: it removes what has a
// tombstone and sends what lacks its watermark. It returns how many rows it
// touched.
func (m mirror) repair(ctx context.Context) (int, error) {
	removed, err := m.clearTombstones(ctx)
	if err != nil {
		return removed, err
	}
	sent := 0
	after := ""
	for {
		if err := m.patience.room(); err != nil {
			return removed + sent, err
		}
		rows, err := m.store.Pending(ctx, m.key.Collection, m.key.Fingerprint, after, mirrorPage)
		if err != nil || len(rows) == 0 {
			return removed + sent, err
		}
		if err := m.upsert(ctx, rows); err != nil {
			return removed + sent, err
		}
		sent += len(rows)
		m.sent(len(rows))
		after = rows[len(rows)-1].ID
	}
}

// settle makes the index hold of some images, about a page of them, what the catalogue
// does, whether they were added, changed or deleted. Other images are left alone: whoever
// changes them settles them.
func (m mirror) settle(ctx context.Context, ids []string) error {
	gone, err := m.store.TombstonesOf(ctx, m.key.Collection, m.key.Fingerprint, ids)
	if err != nil {
		return err
	}
	if err := m.forget(ctx, gone); err != nil {
		return err
	}
	return m.send(ctx, ids)
}

// mostSends bounds how often send looks again.
const mostSends = 5

// send brings images, about a page of them, into the index as far as they are pending.
// Somebody else may have sent an older state of one meanwhile, so it looks again.
func (m mirror) send(ctx context.Context, ids []string) error {
	for range mostSends {
		rows, err := m.store.PendingOf(ctx, m.key.Collection, m.key.Fingerprint, ids)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := m.upsert(ctx, rows); err != nil {
			return err
		}
	}
	return nil
}

// upsert sends rows to the index and notes that it has them. What was deleted meanwhile it
// takes out again.
func (m mirror) upsert(ctx context.Context, pending []catalog.IndexRow) error {
	if len(pending) == 0 {
		return nil
	}
	rows := make([]search.Row, len(pending))
	for i, row := range pending {
		rows[i] = search.Row{ID: row.ID, Vector: row.Vector, Metadata: row.Metadata}
	}
	err := m.patience.try(ctx, "add to the index", m.waiting, func(ctx context.Context) error {
		return m.index.Upsert(ctx, m.key, rows)
	})
	if err != nil {
		return err
	}
	gone, err := m.store.MarkIndexed(ctx, m.key.Collection, m.key.Fingerprint, pending)
	if err != nil {
		return err
	}
	return m.forget(ctx, gone)
}

// clearTombstones removes from the index what has a tombstone.
func (m mirror) clearTombstones(ctx context.Context) (int, error) {
	removed := 0
	for {
		ids, err := m.store.Tombstones(ctx, m.key.Collection, m.key.Fingerprint, mirrorPage)
		if err != nil || len(ids) == 0 {
			return removed, err
		}
		if err := m.forget(ctx, ids); err != nil {
			return removed, err
		}
		removed += len(ids)
	}
}

// forget removes from the index what has a tombstone, and sends what came back meanwhile:
// the index may just have lost it.
func (m mirror) forget(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	if err := m.delete(ctx, ids); err != nil {
		return err
	}
	if err := m.store.ClearTombstones(ctx, m.key.Collection, m.key.Fingerprint, ids); err != nil {
		return err
	}
	return m.send(ctx, ids)
}

func (m mirror) delete(ctx context.Context, ids []string) error {
	return m.patience.try(ctx, "remove from the index", m.waiting, func(ctx context.Context) error {
		return m.index.Delete(ctx, m.key, ids)
	})
}

// listTimeout bounds one listing of the index: millions of IDs take minutes.
const listTimeout = 10 * time.Minute

// ids returns every ID the index holds.
func (m mirror) ids(ctx context.Context) (map[string]bool, error) {
	var ids map[string]bool
	listing := m.patience
	listing.attempt = max(listing.attempt, listTimeout)
	err := listing.try(ctx, "list the index", m.waiting, func(ctx context.Context) error {
		ids = make(map[string]bool)
		return m.index.IDs(ctx, m.key, func(id string) error {
			ids[id] = true
			return nil
		})
	})
	return ids, err
}

// rowsOf returns those of some rows that the index holds.
func (m mirror) rowsOf(ctx context.Context, ids []string) (rows []search.Row, err error) {
	err = m.patience.try(ctx, "read the index", m.waiting, func(ctx context.Context) error {
		rows, err = m.index.Rows(ctx, m.key, ids)
		return err
	})
	return rows, err
}

// mirrorAll sends committed batches to the index while the next are encoded.
func (r *run) mirrorAll(ctx context.Context, committed <-chan []string) error {
	m := r.mirror()
	for ids := range committed {
		if err := m.send(ctx, gather(ids, committed)); err != nil {
			return err
		}
	}
	return nil
}

// gather adds what has been committed meanwhile, up to a page: an index takes
// nearly as long for a few rows as for many.
func gather(ids []string, committed <-chan []string) []string {
	for len(ids) < mirrorPage {
		select {
		case more, open := <-committed:
			if !open {
				return ids
			}
			ids = append(ids, more...)
		default:
			return ids
		}
	}
	return ids
}
