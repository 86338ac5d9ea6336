package distill

import (
	"fmt"

	"polylens/encoder/preprocess"
	"polylens/trainer/data/augment"
	"polylens/trainer/data/batch"
)

// cropAspect is how much wider in proportion parts of a picture may be than the
// picture, as is customary (Szegedy et al., "Going deeper with convolutions", 2015,
// section 6).
var cropAspect = augment.Range{Low: 3.0 / 4, High: 4.0 / 3}

// viewSeeds keeps the random numbers of views apart.
const viewSeeds = 0x76696577_00000001

// Views are those of each picture that Inputs wants: a global one, then the
// local ones. looks says what is changed beside the part that is shown; its own
// parts are not used.
func (d *Distiller) Views(looks augment.Options, pixels *preprocess.Processor, seed uint64) ([]batch.View, error) {
	reduced, err := pixels.WithSide(int(d.local.Vision.Image))
	if err != nil {
		return nil, fmt.Errorf("local views: %w", err)
	}
	views := make([]batch.View, 1+d.config.locals())
	for i := range views {
		view, area := pixels, d.config.GlobalArea
		if i > 0 {
			view, area = reduced, d.config.LocalArea
		}
		looks.CropScale, looks.CropAspect = area, cropAspect
		looks.Size, _ = view.Size()
		augmenter, err := augment.New(looks, seed+uint64(i+1)*viewSeeds)
		if err != nil {
			return nil, err
		}
		views[i] = batch.View{Augmenter: augmenter, Preprocessor: view}
	}
	return views, nil
}
