package tune

import (
	"context"
	"errors"
	"fmt"
	"time"

	"polylens/encoder/ort"
)

// Spin is long enough to bridge the gap between two operators of a model and short
// enough not to keep a core from other work. It is used where nothing is measured: on
// two cores it gains 6 % of pictures one at a time and 11 % of texts in int8, as much
// as a millisecond does.
const Spin = 50 * time.Microsecond

// margin is how much faster a candidate has to be than an earlier one, which takes
// less of the machine; a smaller difference is noise.
const margin = 0.03

// Candidates are the settings worth measuring on this machine, on top of
// options: one thread for each core that may be used, one for each two where
// cores run two threads each, and a short busy wait between operators.
func Candidates(options ort.Options) []ort.Options {
	return candidates(options, ort.Cores(), ort.Multithreaded())
}

func candidates(options ort.Options, cores int, multithreaded bool) []ort.Options {
	counts := []int{cores}
	if multithreaded && cores > 1 {
		counts = []int{(cores + 1) / 2, cores}
	}
	var list []ort.Options
	for _, wait := range []time.Duration{0, Spin} {
		for _, threads := range counts {
			if wait > 0 && threads == 1 {
				continue // a lone thread waits for nobody
			}
			options.Threads, options.Spin = threads, wait
			list = append(list, options)
		}
	}
	return list
}

// Fastest measures every candidate with run, which returns the time that one
// and the same work takes, and returns the fastest; a later one has to be
// clearly faster than those before it. When the context ends, the fastest so
// far is returned, and the context's error only if there is none yet.
func Fastest(ctx context.Context, candidates []ort.Options, run func(context.Context, ort.Options) (time.Duration, error)) (ort.Options, error) {
	if len(candidates) == 0 {
		return ort.Options{}, errors.New("there are no settings to measure")
	}
	best, least := candidates[0], time.Duration(0)
	for i, candidate := range candidates {
		taken, err := run(ctx, candidate)
		switch {
		case ctx.Err() != nil && least > 0:
			return best, nil
		case ctx.Err() != nil:
			return best, ctx.Err()
		case err != nil:
			return best, fmt.Errorf("measuring %d threads: %w", candidate.Threads, err)
		case i == 0 || float64(taken) < float64(least)*(1-margin):
			best, least = candidate, taken
		}
	}
	return best, nil
}
