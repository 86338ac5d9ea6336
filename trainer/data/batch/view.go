package batch

import "image"

// View is a further look at each picture of a batch, beside the one that texts
// are compared with.
type View struct {
	Augmenter    Augmenter
	Preprocessor Preprocessor
}

// views makes the further views of a picture as it was decoded.
func (l *Loader) views(picture image.Image, r row) ([][]float32, error) {
	if l.options.Views == nil {
		return nil, nil
	}
	var values [][]float32
	for _, view := range l.options.Views(r.batch.Step) {
		pixels, err := view.Preprocessor.Process(view.Augmenter.Apply(picture, uint64(r.number), uint64(r.batch.Step)))
		if err != nil {
			return nil, err
		}
		values = append(values, pixels.Values)
	}
	return values, nil
}
