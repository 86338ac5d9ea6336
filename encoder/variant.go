package encoder

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"polylens/encoder/preprocess"
)

// WithMaxPatches is a view of a NaFlex model that cuts pictures into at most so many
// patches, 64 to 1024. It shares the weights; its vectors differ, and so does its
// fingerprint. Texts have the same vectors in every view. A model of fixed resolution
// is an error.
func (e *Encoder) WithMaxPatches(patches int) (*Encoder, error) {
	pixels, err := e.pixels.WithMaxPatches(patches)
	if err != nil {
		return nil, err
	}
	view := &Encoder{model: e.model, pixels: pixels, view: true}
	view.fingerprint, view.pictureFingerprint = e.variant(e.base, pixels), e.variant(e.pictures, pixels)
	return view, nil
}

// variant is the fingerprint of the model as it is run, given that of its files. For
// a model in fp32 with its own preprocessing both are the same.
func (m *model) variant(files string, pixels *preprocess.Processor) string {
	if m.precision == FP32 && pixels.MaxPatches() == m.native.MaxPatches() {
		return files
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "polylens variant 1\n%s\nprecision %s\nmax_num_patches %d\n", files, m.precision, pixels.MaxPatches())
	return hex.EncodeToString(sum.Sum(nil))
}
