package indexer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/source"
	"polylens/search"
)

// Options tune an Indexer. Zero values mean the defaults.
//
// Workers and Batch bound the memory of a run. Pictures that are preprocessed
// and not encoded yet number at most 3*Batch + 2*Workers: two batches that are being
// encoded, one that fills, and two pictures for each worker. A
// picture of 224 x 224 pixels takes 0.6 MB, one of 512 x 512 or of 1024 patches
// of 16 x 16 takes 3.1 MB. The Decoder bounds what decoding takes besides.
type Options struct {
	Workers       int           // that decode at once; default: one for each core
	Batch         int           // pictures encoded together; two batches at most are repeated after a crash; default 16
	IndexPatience time.Duration // how long to wait for an index that is unavailable; default 3 minutes
	IndexTimeout  time.Duration // deadline of one call to the index; default 1 minute
	// Room fails, as disk.Check does, while there is too little room to go on; a run and
	// a repair then end with that error. Default: there always is room.
	Room func() error
	Log  *slog.Logger // default: none
}

func (o Options) withDefaults() Options {
	o.Workers = cmp.Or(o.Workers, runtime.GOMAXPROCS(0))
	o.Batch = cmp.Or(o.Batch, 16)
	o.IndexPatience = cmp.Or(o.IndexPatience, 3*time.Minute)
	o.IndexTimeout = cmp.Or(o.IndexTimeout, time.Minute)
	if o.Room == nil {
		o.Room = func() error { return nil }
	}
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return o
}

// Indexer fills the catalogue and the index from sources.
//
// The order of its writes makes every interruption harmless. A batch of images
// is committed to the catalogue with its vectors; then it is sent to the
// index; then the catalogue notes that the index has it. Whatever lacks that
// note is sent again, and the index replaces by ID. Removal leaves a tombstone
// in the catalogue until the index has forgotten the image.
type Indexer struct {
	store   *database.Store
	encoder Encoder
	index   search.Writer
	decoder Decoder
	options Options
	locks   locks
	lost    losses
	ending  endings
	kept    Kept

	identityOf func(ctx context.Context, uri string) (string, error) // source.IdentityOf, but for tests
	mostGates  int                                                   // mostGates, but for tests
}

// Kept is what is kept outside of the catalogue and of the index.
type Kept struct {
	Blobs      *blob.Store
	Pushes     *Pushes
	Thumbnails string // their folder
}

// Connect makes known to checks what else is kept. Without it they do not look at that.
func (ix *Indexer) Connect(kept Kept) { ix.kept = kept }

// New makes an indexer of its parts.
func New(store *database.Store, encoder Encoder, index search.Writer, decoder Decoder, options Options) *Indexer {
	return &Indexer{
		store: store, encoder: encoder, index: index, decoder: decoder, options: options.withDefaults(),
		identityOf: source.IdentityOf, mostGates: mostGates,
	}
}

// Request says what to index.
type Request struct {
	Collection  string // created when it does not exist
	Source      source.Source
	RetryFailed bool // also look again at files that failed before, or were no pictures, and have not changed
	// MaxPatches is the collection's choice from now on, see CheckMaxPatches; 0
	// keeps what it chose. A new choice is like a new model: everything is encoded
	// again, while searches keep using the old vectors.
	MaxPatches int
	// Metadata is what the collection takes, from now on, of what is written in
	// pictures; "" keeps what it chose.
	Metadata catalog.MetadataChoice
	// Rehash reads every file, also those that seem unchanged, and encodes those whose
	// bytes are not what they were. Files that failed are tried again.
	Rehash bool
	// ConfirmRemoval removes what the source no longer has, however much that is.
	ConfirmRemoval bool
	// ConfirmedFor says which folders ConfirmRemoval was about; "": those that are there.
	// Where other folders are there now, such as an empty one where a disk was mounted,
	// ConfirmRemoval does not hold.
	ConfirmedFor string
	// MaxRemovedShare is how much of what was indexed from the source a run removes
	// without ConfirmRemoval, 0 to 1; nil stands for DefaultRemovedShare.
	MaxRemovedShare *float64
}

// Run brings a collection up to date with a source: it encodes what is new or
// changed and removes what is gone. tell, when not nil, is called a few times
// a second, never twice at once, and must not block.
//
// Files that cannot be read are reported and passed over. When more is gone than the
// request lets it remove, it removes nothing and returns ErrRemovalWithheld; all else
// is done then. Run returns an error
// when the catalogue, the index, the model or the source as a whole fails, or
// ctx ends; the report then says how far it came, nothing is lost, and the
// next run goes on from there. Runs on one collection wait for each other.
func (ix *Indexer) Run(ctx context.Context, request Request, tell func(Progress)) (Report, error) {
	started := time.Now()
	r := newRun(ix, request, tell)
	unlock, err := ix.locks.lock(ctx, request.Collection)
	if err == nil {
		defer unlock()
		err = r.all(ctx)
	}
	if err != nil && !errors.Is(err, ErrRemovalWithheld) { // which says it all
		err = fmt.Errorf("index %s into %q: %w", request.Source.Name(), request.Collection, err)
	}
	return r.progress.result(started), err
}

// run is one Run in progress.
type run struct {
	destination
	source       source.Source
	retryFailed  bool
	rehash       bool
	removal      removalLimit
	confirmedFor string // see Request
	progress     *tracker
	met          met
	before       gates              // of the source, as they were kept; nil: they were not
	unkept       string             // what comes after this URI may lie behind a gate that was not kept; "": nothing does
	barred       map[string]whyGone // gates behind which nothing that is known is changed, and why; by URI
	repaired     chan struct{}      // closed when the index is as the catalogue says
}

func newRun(ix *Indexer, request Request, tell func(Progress)) *run {
	r := &run{
		destination: destination{Indexer: ix, name: request.Collection, maxPatches: request.MaxPatches, metadata: request.Metadata},
		source:      request.Source,
		retryFailed: request.RetryFailed, rehash: request.Rehash, removal: newRemovalLimit(request), confirmedFor: request.ConfirmedFor,
		progress: newTracker(tell), met: newMet(),
		barred: make(map[string]whyGone), repaired: make(chan struct{}),
	}
	r.waiting = r.progress.waiting
	return r
}

func (r *run) all(ctx context.Context) error {
	if err := r.removal.validate(); err != nil {
		return err
	}
	r.progress.enter(StateRepairing)
	if err := r.openCollection(ctx); err != nil {
		return err
	}
	if err := r.keepRules(ctx); err != nil {
		return err
	}
	if err := r.openGates(ctx); err != nil {
		return err
	}
	if err := r.pipeline(ctx); err != nil {
		return err
	}
	r.progress.enter(StateRemoving)
	if err := r.removeGone(ctx); err != nil {
		return err
	}
	r.progress.enter(StateDone)
	return nil
}

// pipeline overlaps its stages: repairing, walking, reading and decoding, encoding
// and committing, sending to the index. The channels between them are short, so a
// slow stage holds the faster ones back; only the one to the index has room for a
// page of rows, since the index takes a page as fast as a few rows.
func (r *run) pipeline(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	jobs := make(chan job, 2*r.options.Workers)
	ready := make(chan prepared, r.options.Workers)
	committed := make(chan []string, max(1, mirrorPage/r.options.Batch))
	group.Go(func() error { return r.repair(ctx) })
	group.Go(func() error { return r.count(ctx) })
	group.Go(func() error { return r.scan(ctx, jobs) })
	group.Go(func() error { return r.prepareAll(ctx, jobs, ready) })
	group.Go(func() error { return r.encodeAll(ctx, ready, committed) })
	group.Go(func() error { return r.mirrorAll(ctx, committed) })
	return group.Wait()
}

// repair brings the index up to date with the catalogue. Listing an index takes from
// a third of a second to minutes; pictures are read meanwhile.
func (r *run) repair(ctx context.Context) error {
	m := r.mirror()
	found, err := m.compare(ctx)
	if err != nil {
		return err
	}
	check, err := m.resolve(ctx, found)
	if err == nil {
		r.lost.set(m.key, false)
	}
	r.progress.update(func(p *Progress) { p.Repaired = check.Repaired })
	if err != nil {
		return err
	}
	r.progress.enter(StateIndexing)
	close(r.repaired)
	return nil
}

// awaitRepair comes before any change of images in the catalogue or the index:
// the repair compares the two.
func (r *run) awaitRepair(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-r.repaired:
		return nil
	}
}

func (r *run) count(ctx context.Context) error {
	total, err := r.source.Count(ctx)
	if err != nil {
		return err
	}
	r.progress.estimated(total)
	return nil
}

// send puts a value into a channel unless ctx ends first.
func send[T any](ctx context.Context, to chan<- T, value T) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case to <- value:
		return nil
	}
}
