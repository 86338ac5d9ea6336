package batch

import (
	"context"
	"errors"
	"fmt"
	"image"
	"iter"
	"runtime"
	"sync"

	"polylens/encoder/preprocess"
	"polylens/indexer/decode"
	"polylens/trainer/data"
)

// Preprocessor turns a picture into what the model takes. *preprocess.Processor is
// one. It may be called from several goroutines at once.
type Preprocessor interface {
	Process(picture image.Image) (preprocess.Pixels, error)
}

// Augmenter changes a picture at random, in a way that depends on nothing but
// its arguments. It may be called from several goroutines at once.
type Augmenter interface {
	Apply(picture image.Image, sample, step uint64) image.Image
}

// LoaderOptions say how batches are loaded. A zero field has the default.
type LoaderOptions struct {
	Opener  data.Opener
	Decoder data.Decoder
	// Preprocessor gives that of a step, so that the number of patches may change
	// from batch to batch.
	Preprocessor func(step int) Preprocessor
	Augmenter    Augmenter // nil leaves pictures as they are
	// Views gives the further views of each picture in the batch of a step; nil
	// stands for none.
	Views    func(step int) []View
	Target   decode.Target // the least size that pictures are decoded to; nil decodes them whole
	Workers  int           // that decode at once; default GOMAXPROCS
	Prefetch int           // batches that are loaded ahead; default 2
	// Skip reports pictures whose pixels nobody needs: they are left empty unless
	// there are further views. It is called from several goroutines; nil loads all.
	Skip func(picture int) bool
	// MaxBroken is the share of all pictures that may prove to be broken before
	// loading ends; default 0.01. The first is always forgiven.
	MaxBroken float64
}

// Loaded is a batch that is ready.
type Loaded struct {
	Batch                        // with what stands in for broken pictures
	Pixels   []preprocess.Pixels // [Size]
	Views    [][][]float32       // [Size], the values of the further views of each picture
	Replaced []Replaced
}

// Replaced is a picture of a batch that another one replaces.
type Replaced struct {
	Row, Picture int
	Err          error
}

// ErrTooManyBroken is returned, wrapped, where loading ends for broken pictures.
var ErrTooManyBroken = errors.New("too many pictures are broken")

// Loader decodes, augments and preprocesses batches ahead of their use.
type Loader struct {
	sampler *Sampler
	options LoaderOptions
}

// NewLoader loads the batches of a sampler.
func NewLoader(sampler *Sampler, options LoaderOptions) *Loader {
	if options.Workers <= 0 {
		options.Workers = runtime.GOMAXPROCS(0)
	}
	if options.Prefetch <= 0 {
		options.Prefetch = 2
	}
	if options.MaxBroken == 0 {
		options.MaxBroken = 0.01
	}
	return &Loader{sampler, options}
}

// Batches gives the batches from a step on, without end. After an error there
// is no other batch. Workers end when the loop that ranges over it does.
func (l *Loader) Batches(ctx context.Context, step int) iter.Seq2[Loaded, error] {
	return func(yield func(Loaded, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		broken := brokenCount{of: len(l.sampler.pictures), most: l.options.MaxBroken, pictures: make(map[int]bool)}
		for p := range l.start(ctx, step, &running) {
			loaded, err := l.wait(ctx, p)
			if err == nil {
				err = broken.add(l.sampler.set, loaded.Replaced)
			}
			if !yield(loaded, err) || err != nil {
				return
			}
		}
		yield(Loaded{}, context.Cause(ctx))
	}
}

// start runs the workers and gives the batches in order while they are loaded.
func (l *Loader) start(ctx context.Context, step int, running *sync.WaitGroup) <-chan *pending {
	rows := make(chan row)
	batches := make(chan *pending, l.options.Prefetch)
	for range l.options.Workers {
		running.Go(func() {
			for r := range rows {
				l.load(ctx, r)
			}
		})
	}
	running.Go(func() {
		defer close(batches)
		defer close(rows)
		for ; ; step++ {
			p := l.newPending(l.sampler.Batch(step))
			select {
			case batches <- p:
			case <-ctx.Done():
				return
			}
			for i := range p.Pictures {
				select {
				case rows <- row{p, i}:
				case <-ctx.Done():
					return
				}
			}
		}
	})
	return batches
}

// brokenCount counts the pictures that proved to be broken.
type brokenCount struct {
	of       int
	most     float64
	pictures map[int]bool
}

func (b brokenCount) add(set *data.Set, replaced []Replaced) error {
	for _, r := range replaced {
		b.pictures[r.Picture] = true
		if n := len(b.pictures); n > 1 && float64(n) > b.most*float64(b.of) {
			return fmt.Errorf("%w: %d of %d, where a share of %g is allowed; the last is %s: %w",
				ErrTooManyBroken, n, b.of, b.most, set.Pictures[r.Picture], r.Err)
		}
	}
	return nil
}
