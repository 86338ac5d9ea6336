package encoder

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"polylens/encoder/ort"
	"polylens/encoder/preprocess"
	"polylens/encoder/safetensors"
)

// spreadVision encodes several pictures side by side, each share of them with one thread.
// The threads of one run wait for each other at every operator; in a small model, whose
// operators are short, that takes a quarter of the processor's time. A lone picture is
// still encoded by all threads together.
type spreadVision struct {
	visionTower
	single  visionTower // computes with one thread
	threads int
}

// mostSpread bounds the weights of vision towers that are spread, in bytes as float32:
// they are in memory twice. In larger ones the operators are long.
const mostSpread = 256 << 20

// spread reports whether pictures are worth encoding side by side.
func spread(index *safetensors.Index, options ort.Options) bool {
	if options.Device != ort.CPU || threadsOf(options) < 2 {
		return false
	}
	bytes := int64(0)
	for _, name := range index.Names() {
		if tensor, found := index.Tensor(name); found && strings.HasPrefix(name, visionPrefix) {
			bytes += 4 * tensor.Elements()
		}
	}
	return bytes <= mostSpread
}

func threadsOf(options ort.Options) int {
	if options.Threads > 0 {
		return options.Threads
	}
	return ort.Cores()
}

// alone are options for a session that computes with one thread.
func alone(options ort.Options) ort.Options {
	options.Threads, options.Spin = 1, 0
	return options
}

func (t *spreadVision) encode(ctx context.Context, pictures []preprocess.Pixels) ([][]float32, error) {
	if len(pictures) < t.threads {
		return t.visionTower.encode(ctx, pictures)
	}
	size := (len(pictures) + t.threads - 1) / t.threads
	vectors := make([][]float32, len(pictures))
	group, ctx := errgroup.WithContext(ctx)
	first := 0
	for share := range slices.Chunk(pictures, size) {
		from := first
		first += len(share)
		group.Go(func() error {
			encoded, err := t.single.encode(ctx, share)
			if err != nil {
				return fmt.Errorf("from the one at %d: %w", from, err)
			}
			copy(vectors[from:], encoded)
			return nil
		})
	}
	return vectors, group.Wait()
}

func (t *spreadVision) close() error {
	return errors.Join(t.visionTower.close(), t.single.close())
}
