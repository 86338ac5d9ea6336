package batch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"polylens/encoder/preprocess"
)

// pending is a batch that is being loaded, each row by one worker.
type pending struct {
	Batch
	rows []loadedRow
	left atomic.Int32  // rows that are not there yet
	all  chan struct{} // closed when none is left

	replacements func() replacements // made when the first picture proves broken
}

// loadedRow is what became of a row.
type loadedRow struct {
	picture int // that is there in the end
	pixels  preprocess.Pixels
	views   [][]float32
	broken  []Replaced
	err     error
}

// row is a picture of a batch that is to be loaded.
type row struct {
	batch  *pending
	number int
}

func (l *Loader) newPending(b Batch) *pending {
	p := &pending{Batch: b, rows: make([]loadedRow, len(b.Pictures)), all: make(chan struct{})}
	p.replacements = sync.OnceValue(func() replacements { return l.sampler.replacements(b) })
	p.left.Store(int32(len(p.rows)))
	return p
}

func (l *Loader) load(ctx context.Context, r row) {
	r.batch.rows[r.number] = l.loadRow(ctx, r)
	if r.batch.left.Add(-1) == 0 {
		close(r.batch.all)
	}
}

// errNoReplacement is for batches that hold all there is.
var errNoReplacement = errors.New("no other picture is left to stand in for a broken one: make batches smaller, or take it out of the set")

func (l *Loader) loadRow(ctx context.Context, r row) loadedRow {
	loaded := loadedRow{picture: r.batch.Pictures[r.number]}
	for attempt := 0; ; attempt++ {
		err := l.prepare(ctx, &loaded, r)
		if err == nil || ctx.Err() != nil {
			loaded.err = err
			return loaded
		}
		loaded.broken = append(loaded.broken, Replaced{r.number, loaded.picture, err})
		var ok bool
		if loaded.picture, ok = r.batch.replacements().at(r.number, attempt); !ok {
			loaded.err = fmt.Errorf("step %d: %w: %w", r.batch.Step, errNoReplacement, err)
			return loaded
		}
	}
}

// prepare reads, decodes, augments and preprocesses a picture.
func (l *Loader) prepare(ctx context.Context, loaded *loadedRow, r row) error {
	if l.skips(loaded.picture, r.batch.Step) {
		return nil
	}
	picture := l.sampler.set.Pictures[loaded.picture]
	content, err := l.options.Opener.Bytes(ctx, picture)
	if err != nil {
		return err
	}
	image, err := l.options.Decoder.Decode(ctx, picture.String(), content, l.options.Target)
	if err != nil {
		return err
	}
	if loaded.views, err = l.views(image, r); err != nil {
		return err
	}
	if l.options.Augmenter != nil {
		image = l.options.Augmenter.Apply(image, uint64(r.number), uint64(r.batch.Step))
	}
	loaded.pixels, err = l.options.Preprocessor(r.batch.Step).Process(image)
	return err
}

func (l *Loader) skips(picture, step int) bool {
	viewed := l.options.Views != nil && len(l.options.Views(step)) > 0
	return l.options.Skip != nil && !viewed && l.options.Skip(picture)
}

// wait gives the batch when all its rows are there.
func (l *Loader) wait(ctx context.Context, p *pending) (Loaded, error) {
	select {
	case <-p.all:
	case <-ctx.Done():
		return Loaded{}, context.Cause(ctx)
	}
	loaded := Loaded{Batch: p.Batch, Pixels: make([]preprocess.Pixels, len(p.rows)), Views: make([][][]float32, len(p.rows))}
	for i, r := range p.rows {
		if r.err != nil {
			return Loaded{}, r.err
		}
		if len(r.broken) > 0 {
			l.sampler.replace(&loaded.Batch, i, r.picture)
			loaded.Replaced = append(loaded.Replaced, r.broken...)
		}
		loaded.Pixels[i], loaded.Views[i] = r.pixels, r.views
	}
	return loaded, nil
}
