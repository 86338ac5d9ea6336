package trainer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"polylens/encoder/ort"
	"polylens/encoder/preprocess"
	"polylens/trainer/data/inspect"
	"polylens/trainer/learner"
)

// Cache says how much is kept of what the untrained part of the model computes: its
// output for a picture or a text is computed once. Pictures that are changed at
// random are computed each time.
type Cache struct {
	Bytes     int64  `json:"bytes"`     // most, in the folder of the run while it goes on; 0 keeps nothing
	Memory    int64  `json:"memory"`    // what takes at most so many bytes is kept in memory instead, and not beyond the end of the process
	Precision string `json:"precision"` // "float32", or "float16" for half the size
}

// Precisions of a cache.
const (
	float32Precision = "float32"
	float16Precision = "float16"
)

func (c Cache) check() error {
	if c.Bytes < 0 || c.Memory < 0 {
		return fmt.Errorf("cache.bytes %d, memory %d: want 0 or more", c.Bytes, c.Memory)
	}
	if c.Precision != float32Precision && c.Precision != float16Precision {
		return fmt.Errorf("cache.precision %q: want %q or %q", c.Precision, float32Precision, float16Precision)
	}
	return nil
}

// prefixes keep what enters a step.
type prefixes struct{ texts, pictures kept }

// kept is a cache of some texts or pictures.
type kept struct {
	cache *learner.Cache // nil: it is computed each time
	place map[int]int    // in the cache, by number in the set
	shape []int64        // of each
	told  bool           // that the cache has failed
	run   *run
}

// openPrefixes opens the caches. Pictures come first: they cost more to compute.
func (r *run) openPrefixes() error {
	texts, pictures := r.learner.Entries()
	if r.config.Batch.Augmentation != noAugmentation || len(r.processors) > 1 {
		pictures = nil
	}
	numbers := r.Material.pictures(inspect.Training)
	left := r.config.Cache.Bytes
	if err := r.openKept(&r.prefixes.pictures, "pictures", numbers, pictures, &left); err != nil {
		return err
	}
	return r.openKept(&r.prefixes.texts, "texts", r.lookedAt(numbers), texts, &left)
}

// lookedAt are the pairs whose texts enter steps, given the pictures that do.
func (r *run) lookedAt(pictures []int) []int {
	if r.texts != nil {
		return slices.Concat(r.texts.pairs...)
	}
	var pairs []int
	all := r.Material.Set.PairsOf()
	for _, picture := range pictures {
		pairs = append(pairs, all[picture]...)
	}
	return pairs
}

// openKept opens a cache of at most so many bytes, which it takes from what is
// left.
func (r *run) openKept(k *kept, name string, numbers []int, shape []int64, left *int64) error {
	if shape == nil || *left == 0 || len(numbers) == 0 {
		return nil
	}
	settings := learner.CacheSettings{
		Identity: r.entering(), Items: len(numbers), Values: learner.Parameter{Shape: shape}.Elements(), Bytes: *left, Half: r.config.Cache.Precision == float16Precision,
	}
	if settings.Needed() > r.config.Cache.Memory {
		settings.Path = filepath.Join(r.Folder, name+cacheSuffix)
		if err := os.MkdirAll(r.Folder, 0o755); err != nil {
			return err
		}
	}
	var err error
	if k.cache, err = learner.OpenCache(settings); err != nil {
		return err
	}
	*left -= min(*left, settings.Needed())
	k.run, k.shape, k.place = r, shape, make(map[int]int, len(numbers))
	for place, number := range numbers {
		k.place[number] = place
	}
	return nil
}

// cacheSuffix ends the names of caches.
const cacheSuffix = ".entries"

// entering names all that decides what enters a step.
func (r *run) entering() string {
	return fmt.Sprintf("%s\n%s\n%s\n%+v\n%v", r.Model.Fingerprint, r.Material.fingerprint(), r.config.Mode, r.config.LoRA, r.config.Batch.Patches)
}

// take gives what enters a step for some texts or pictures, one after the other.
// Those that are not kept are computed one by one.
func (k *kept) take(ctx context.Context, numbers []int, compute func(context.Context, int) (ort.Tensor, error)) (ort.Tensor, error) {
	values := learner.Parameter{Shape: k.shape}.Elements()
	all := make([]float32, len(numbers)*values)
	for i, number := range numbers {
		err := k.cache.Take(ctx, k.place[number], all[i*values:(i+1)*values], func(ctx context.Context) ([]float32, error) {
			tensor, err := compute(ctx, number)
			return tensor.Floats, err
		})
		if err != nil {
			return ort.Tensor{}, err
		}
	}
	if err := k.cache.Failed(); err != nil && !k.told {
		k.told = true
		k.run.Log.Warn("what enters a step can no longer be kept, which makes the run slower", "error", err)
	}
	shape := slices.Clone(k.shape)
	shape[0] *= int64(len(numbers))
	return ort.Floats(all, shape...), nil
}

// skip says which pictures need no pixels, for the loader; nil for none.
func (r *run) skip() func(picture int) bool {
	if r.vectors != nil { // means of items stand for all of them
		return func(int) bool { return true }
	}
	pictures := &r.prefixes.pictures
	if pictures.cache == nil || r.selector != nil { // a teacher sees the pixels
		return nil
	}
	return func(picture int) bool { return pictures.cache.Has(pictures.place[picture]) }
}

// pixels reads a picture whose record turned out to be damaged.
func (r *run) pixels(ctx context.Context, number int) (preprocess.Pixels, error) {
	picture := r.Material.Set.Pictures[number]
	content, err := r.Reading.Opener.Bytes(ctx, picture)
	if err != nil {
		return preprocess.Pixels{}, fmt.Errorf("%s: %w", picture, err)
	}
	decoded, err := r.Reading.Decoder.Decode(ctx, picture.String(), content, r.target())
	if err != nil {
		return preprocess.Pixels{}, err
	}
	return r.lasting().Process(decoded)
}

// close closes the caches.
func (p *prefixes) close() error {
	var errs []error
	for _, k := range []*kept{&p.texts, &p.pictures} {
		if k.cache != nil {
			errs = append(errs, k.cache.Close())
			k.cache = nil
		}
	}
	return errors.Join(errs...)
}

// removeCaches frees the room that caches take in the folder of a run that has
// come to its end.
func removeCaches(folder string) error {
	paths, err := filepath.Glob(filepath.Join(folder, "*"+cacheSuffix))
	for _, path := range paths {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}
