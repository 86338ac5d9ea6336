package indexer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"polylens/indexer/catalog"
	"polylens/search"
)

// CheckReport is how an index differed from the catalogue, and what was done
// about it.
type CheckReport struct {
	Images   int `json:"images"`   // that the index has to hold
	Missing  int `json:"missing"`  // from the index
	Extra    int `json:"extra"`    // in the index only
	Outdated int `json:"outdated"` // in the index, but not as the catalogue has them now
	Repaired int `json:"repaired"` // rows sent or removed, including those that an interrupted run left open
}

// Differs reports whether the index was not as the catalogue says.
func (r CheckReport) Differs() bool { return r.Missing+r.Extra+r.Outdated > 0 }

// CheckOrder is what to check, and whether to repair it.
type CheckOrder struct {
	Collection string // "": what belongs to none, or to all
	Kind       string // JobCheck, JobRepair or JobRebuild; without a collection not the last
	// Read is the part of all pictures whose files are read, and whose rows are compared
	// with the catalogue, number by number.
	Read Sample
}

// CheckResult is how what is kept was found, and what was done about it.
type CheckResult struct {
	CheckReport
	Findings Findings `json:"findings,omitempty"`
}

// Check compares the index that searches of a collection use with the catalogue
// and changes neither. It waits for a run on the collection to end.
func (ix *Indexer) Check(ctx context.Context, collection string) (CheckReport, error) {
	return ix.report(ctx, CheckOrder{Collection: collection, Kind: JobCheck})
}

// Repair is Check that also mends every difference. Nothing is encoded but pictures whose
// vectors are damaged.
func (ix *Indexer) Repair(ctx context.Context, collection string) (CheckReport, error) {
	return ix.report(ctx, CheckOrder{Collection: collection, Kind: JobRepair})
}

// Rebuild is Repair that also sends every other row again, for an index that is
// not trusted.
func (ix *Indexer) Rebuild(ctx context.Context, collection string) (CheckReport, error) {
	return ix.report(ctx, CheckOrder{Collection: collection, Kind: JobRebuild})
}

func (ix *Indexer) report(ctx context.Context, order CheckOrder) (CheckReport, error) {
	result, err := ix.Examine(ctx, order, nil)
	return result.CheckReport, err
}

// Examine compares catalogue, files, vectors and index with each other, as ordered. tell,
// when not nil, hears how many rows have been sent.
func (ix *Indexer) Examine(ctx context.Context, order CheckOrder, tell func(Progress)) (CheckResult, error) {
	if order.Collection == "" {
		findings, err := ix.examineRest(ctx, order)
		return CheckResult{Findings: findings}, err
	}
	unlock, err := ix.locks.lock(ctx, order.Collection)
	if err != nil {
		return CheckResult{}, err
	}
	defer unlock()
	known, err := ix.store.Collection(ctx, order.Collection)
	if err != nil {
		return CheckResult{}, err
	}
	if known.Fingerprint == "" {
		return CheckResult{}, nil // nothing was ever indexed
	}
	result, err := ix.examine(ctx, known, order, tell)
	if err != nil {
		return result, fmt.Errorf("check %q: %w", order.Collection, err)
	}
	return result, nil
}

// examine looks at what the catalogue holds first: what is repaired there is sent to the
// index after that.
func (ix *Indexer) examine(ctx context.Context, known catalog.Collection, order CheckOrder, tell func(Progress)) (CheckResult, error) {
	m := ix.mirror(known.ID, known.Fingerprint)
	if tell != nil {
		m.sent = sentOf(known.Images, tell)
	}
	x := &examination{Indexer: ix, known: known, mirror: m, repair: order.Kind != JobCheck, read: order.Read, found: make(record)}
	err := x.images(ctx)
	if err == nil {
		err = x.originals(ctx)
	}
	if err == nil {
		err = x.keptThumbnails(ctx)
	}
	if err == nil {
		err = x.tombstones(ctx)
	}
	var result CheckResult
	if err == nil {
		result.CheckReport, err = checkers[order.Kind](m, ctx)
	}
	if err == nil && (result.Missing == 0 || result.Repaired > 0) {
		ix.lost.set(m.key, false)
	}
	if err == nil && order.Kind != JobRebuild { // which has sent every row anew
		err = x.rows(ctx)
	}
	result.Findings = x.found.list()
	return result, err
}

// examination is the check of one collection.
type examination struct {
	*Indexer
	known  catalog.Collection
	mirror mirror
	repair bool
	read   Sample
	found  record
}

// tombstones counts deletions that are not done. They are, by a repair of the index.
func (x *examination) tombstones(ctx context.Context) error {
	ids, err := x.store.Tombstones(ctx, x.known.ID, x.known.Fingerprint, mostTombstones)
	for _, id := range ids {
		x.found.add(TombstoneLeft, id)
	}
	if x.repair {
		x.found.repaired(TombstoneLeft, len(ids))
	}
	return err
}

// mostTombstones is how many are counted.
const mostTombstones = 100_000

// checkers are how the IDs of catalogue and index are compared, by kind of job.
var checkers = map[string]checker{JobCheck: mirror.check, JobRepair: mirror.mend, JobRebuild: mirror.rebuild}

type checker = func(mirror, context.Context) (CheckReport, error)

// sentOf tells how far a repair has come, of so many images at most.
func sentOf(images int, tell func(Progress)) func(rows int) {
	progress := Progress{State: StateRepairing, Total: images}
	return func(rows int) {
		progress.Done += rows
		tell(progress)
	}
}

// check reports all differences. An index that is not there lacks every row.
func (m mirror) check(ctx context.Context) (CheckReport, error) {
	found, err := m.inspect(ctx)
	return found.report, err
}

// mend repairs all differences, even if the whole index was lost.
func (m mirror) mend(ctx context.Context) (CheckReport, error) {
	found, err := m.inspect(ctx)
	if err != nil {
		return found.report, err
	}
	return m.resolveAll(ctx, found)
}

// rebuild is mend for an index of which nothing is trusted.
func (m mirror) rebuild(ctx context.Context) (CheckReport, error) {
	if err := m.dropUnreadable(ctx); err != nil {
		return CheckReport{}, err
	}
	found, err := m.inspect(ctx)
	if err == nil {
		err = m.store.ForgetIndexed(ctx, m.key.Collection, m.key.Fingerprint)
	}
	if err != nil {
		return found.report, err
	}
	return m.resolveAll(ctx, found)
}

// dropUnreadable removes an index that cannot even be listed.
func (m mirror) dropUnreadable(ctx context.Context) error {
	return m.patience.try(ctx, "drop what cannot be read", m.waiting, func(ctx context.Context) error {
		if _, err := m.index.Count(ctx, m.key); !errors.Is(err, search.ErrUnreadable) {
			return nil // whatever else is wrong is found next
		}
		return m.index.Drop(ctx, m.key)
	})
}

// resolveAll is resolve for an index that may have been lost. An index that has nothing
// to hold need not exist.
func (m mirror) resolveAll(ctx context.Context, found differences) (CheckReport, error) {
	if len(found.wanted) > 0 {
		if err := m.ensureFor(ctx, found.wanted[0]); err != nil {
			return found.report, err
		}
	}
	report, err := m.resolve(ctx, found)
	if len(found.wanted) == 0 && errors.Is(err, catalog.ErrCollectionNotFound) {
		return CheckReport{}, nil
	}
	return report, err
}

// ensureFor makes the index ready for vectors as long as that of an image, so that
// the model need not be loaded to know their length.
func (m mirror) ensureFor(ctx context.Context, id string) error {
	vector, err := m.store.Vector(ctx, m.key.Collection, id, m.key.Fingerprint)
	if err != nil {
		return err
	}
	return m.ensure(ctx, len(vector))
}

// differences are the IDs in which an index and the catalogue differ.
type differences struct {
	report         CheckReport
	wanted         []string // that the index has to hold
	missing, extra []string
}

// inspect is compare that also counts outdated rows.
func (m mirror) inspect(ctx context.Context) (differences, error) {
	found, err := m.compare(ctx)
	if err != nil {
		return found, err
	}
	pending, err := m.store.PendingIDs(ctx, m.key.Collection, m.key.Fingerprint)
	if err != nil {
		return found, err
	}
	slices.Sort(found.missing)
	for _, id := range pending {
		if _, missing := slices.BinarySearch(found.missing, id); !missing {
			found.report.Outdated++
		}
	}
	return found, nil
}

// compare lists what the index lacks, and what it holds and the catalogue does not.
func (m mirror) compare(ctx context.Context) (differences, error) {
	wanted, err := m.store.IndexableIDs(ctx, m.key.Collection, m.key.Fingerprint)
	if err != nil {
		return differences{}, err
	}
	held, err := m.ids(ctx)
	if err != nil && !errors.Is(err, catalog.ErrCollectionNotFound) {
		return differences{}, err
	}
	found := differences{wanted: wanted}
	for _, id := range wanted {
		if !held[id] {
			found.missing = append(found.missing, id)
		}
		delete(held, id)
	}
	found.extra = slices.Collect(maps.Keys(held))
	found.report = CheckReport{Images: len(wanted), Missing: len(found.missing), Extra: len(found.extra)}
	return found, nil
}

// resolve repairs differences. The index must be there.
func (m mirror) resolve(ctx context.Context, found differences) (CheckReport, error) {
	report := found.report
	if err := m.store.ForgetIndexedImages(ctx, m.key.Fingerprint, found.missing); err != nil {
		return report, err
	}
	if err := m.deleteExtra(ctx, found.extra); err != nil {
		return report, err
	}
	repaired, err := m.repair(ctx)
	report.Repaired = len(found.extra) + repaired
	return report, err
}

// deleteExtra removes rows that belong to no image. Images that another process
// has added since the comparison become pending, so that they are sent again.
func (m mirror) deleteExtra(ctx context.Context, ids []string) error {
	for chunk := range slices.Chunk(ids, mirrorPage) {
		if err := m.delete(ctx, chunk); err != nil {
			return err
		}
		if err := m.store.ForgetIndexedImages(ctx, m.key.Fingerprint, chunk); err != nil {
			return err
		}
	}
	return nil
}
