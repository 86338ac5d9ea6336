package distill

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"polylens/encoder/ort"
)

// maskStream separates these random numbers from others of the same seed.
const maskStream = 0x6d61736b

// Inputs are what a step takes beside its pictures, for learner.Batch.Extra:
// views has the pixels of each picture's global view and then of its local
// ones, as batch.Loaded.Views. Which patches are masked depends on seed and
// batch alone; batch numbers the batches of a run. Every picture has as many,
// all sets of them alike.
func (d *Distiller) Inputs(views [][][]float32, seed, batch uint64) (map[string]ort.Tensor, error) {
	global, local, err := d.gather(views)
	if err != nil {
		return nil, err
	}
	pictures, vision := int64(len(views)), d.model.Vision
	side, reduced := int64(vision.Image), int64(d.local.Vision.Image)
	mask, masked := d.mask(rand.New(rand.NewPCG(seed^maskStream, batch)), len(views))
	return map[string]ort.Tensor{
		globalInput: ort.Floats(global, pictures, vision.Channels, side, side),
		localInput:  ort.Floats(local, pictures*d.config.locals(), vision.Channels, reduced, reduced),
		maskInput:   ort.Floats(mask, int64(len(mask)), 1),
		maskedInput: ort.Ints(masked, int64(len(masked))),
	}, nil
}

// gather puts views one after the other.
func (d *Distiller) gather(views [][][]float32) (global, local []float32, err error) {
	channels := int(d.model.Vision.Channels)
	whole, part := channels*square(d.model.Vision.Image), channels*square(d.local.Vision.Image)
	locals := int(d.config.locals())
	for i, of := range views {
		if len(of) != 1+locals {
			return nil, nil, fmt.Errorf("picture %d of a batch has %d views, want a global one and %d local ones", i, len(of), locals)
		}
		global = append(global, of[0]...)
		for _, view := range of[1:] {
			local = append(local, view...)
		}
		if len(global) != (i+1)*whole || len(local) != (i+1)*part*locals {
			return nil, nil, fmt.Errorf("picture %d of a batch has views of another size than %d and %d pixels a side", i, d.model.Vision.Image, d.local.Vision.Image)
		}
	}
	return global, local, nil
}

func square[N ~int64](side N) int { return int(side * side) }

// maskedPatches is how many patches of each picture are masked.
func (d *Distiller) maskedPatches() int64 {
	patches := d.model.Vision.Patches()
	return min(max(1, int64(math.Round(d.config.Masked*float64(patches)))), patches)
}

// mask chooses patches of each picture.
func (d *Distiller) mask(random *rand.Rand, pictures int) (mask []float32, masked []int64) {
	patches := int(d.model.Vision.Patches())
	mask = make([]float32, pictures*patches)
	for picture := range pictures {
		chosen := random.Perm(patches)[:d.maskedPatches()]
		slices.Sort(chosen)
		for _, patch := range chosen {
			mask[picture*patches+patch] = 1
			masked = append(masked, int64(picture*patches+patch))
		}
	}
	return mask, masked
}
