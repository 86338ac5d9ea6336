package conformance

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/encoder"
	"polylens/encoder/hub"
	"polylens/encoder/preprocess"
	"polylens/indexer/decode"
	"polylens/indexer/decode/outside"
	"polylens/internal/needs"
)

const (
	leastCosine    = 0.999                 // of the model's vectors
	mostDifference = 3.0                   // mean of pixels at 224 x 224, of 255, where there is no model to ask
	decodeMemory   = 1 << 30               // the setting's default
	tightMemory    = 48 << 20              // a setting that many of the pictures keep within, and some do not
	garbage        = 32 << 20              // what Go has not collected yet, beside what a setting allows
	panicked       = "the decoder failed:" // how package decode reports a panic

	// preprocessor is that of models of 224 pixels: the bundled one sees 64, and would overlook more.
	preprocessor = `{"image_processor_type": "SiglipImageProcessor", "size": {"height": 224, "width": 224}, "resample": 2}`
	halfRange    = 127.5 // levels of 255 in one unit of the values that it makes
)

// judge decodes as indexing does, and compares.
type judge struct {
	folder  string
	decoder *decode.Decoder
	model   *encoder.Encoder // nil compares pixels only
	pixels  *preprocess.Processor
}

func newJudge(t *testing.T, folder string) *judge {
	t.Helper()
	pool := outside.New(outside.Options{Libraries: map[string]string{
		decode.TurboJPEG: needs.TurboJPEG(t), decode.OpenJPEG: needs.OpenJPEG(t),
	}})
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	pixels, err := preprocess.Parse([]byte(preprocessor))
	if err != nil {
		t.Fatal(err)
	}
	return &judge{folder: folder, decoder: &decode.Decoder{Outside: pool}, pixels: pixels}
}

// withModel makes the judge compare the vectors of the bundled model, too.
func (j *judge) withModel(t *testing.T) {
	t.Helper()
	directory, err := hub.Bundled(filepath.Join(t.TempDir(), "models"))
	if err != nil {
		t.Fatal(err)
	}
	j.model, err = encoder.Open(t.Context(), directory, encoder.Options{Library: needs.ONNXRuntime(t), Cache: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.model.Close() })
}

// verdict is what came of a file.
type verdict struct {
	file
	read       bool
	reason     decode.Reason // why it was not read
	cosine     float64       // of vectors; NaN where there is no right picture or no model
	difference float64       // of pixels; NaN where there is no right picture
	asPillow   bool          // it is what Pillow sees, where another witness is right
	peak       int64         // most memory in bytes beside what was held before
	fault      string        // "" if all is well
}

// judge returns the verdict on a file.
func (j *judge) judge(ctx context.Context, f file) verdict {
	v := verdict{file: f, cosine: math.NaN(), difference: math.NaN()}
	picture, peak, err := j.watched(ctx, f, decodeMemory)
	v.peak = peak
	switch {
	case err != nil:
		v.refused(err)
	default:
		v.read = true
		v.fault = j.compare(ctx, &v, picture)
	}
	if peak > decodeMemory {
		v.fault = beyond(peak, decodeMemory)
	}
	if v.fault == "" {
		v.fault = j.tight(ctx, f)
	}
	return v
}

// tight says what is wrong where memory is scarce: a picture is read within the
// setting, or refused.
func (j *judge) tight(ctx context.Context, f file) string {
	_, peak, err := j.watched(ctx, f, tightMemory)
	var known *decode.Error
	switch {
	case peak > tightMemory+garbage:
		return beyond(peak, tightMemory)
	case err != nil && !errors.As(err, &known):
		return fmt.Sprintf("with little memory, an error of another type: %v", err)
	}
	return ""
}

func beyond(peak, limit int64) string {
	return fmt.Sprintf("took %d MiB; the limit is %d", peak>>20, limit>>20)
}

// watched decodes a file for the pixels that are compared, and tells how much
// more the process held at most, beside the file.
func (j *judge) watched(ctx context.Context, f file, limit int64) (decode.Picture, int64, error) {
	content, err := decode.Read(ctx, filepath.Join(j.folder, f.Name), decode.Limits{})
	if err != nil {
		return decode.Picture{}, 0, err
	}
	began := holdsNow()
	picture, err := j.decode(ctx, content, j.pixels.Target, limit)
	return picture, mostSince(began), err
}

// refused judges an error.
func (v *verdict) refused(err error) {
	var known *decode.Error
	switch {
	case !errors.As(err, &known):
		v.fault = fmt.Sprintf("an error of another type: %v", err)
		return
	case strings.Contains(err.Error(), panicked):
		v.fault = fmt.Sprintf("a panic: %v", err)
		return
	}
	v.reason = known.Reason
	switch {
	case v.readable():
		v.fault = fmt.Sprintf("not read: %v", err)
	case !slices.Contains(v.Reasons, string(v.reason)):
		v.fault = fmt.Sprintf("refused for another reason than %v: %v", v.Reasons, err)
	}
}

// compare returns what is wrong with a picture.
func (j *judge) compare(ctx context.Context, v *verdict, picture decode.Picture) string {
	if v.Right == "" {
		return "" // it is read though no witness does: whether it is right cannot be said
	}
	v.difference, v.cosine = j.measure(ctx, v.file, picture.Image, v.Right)
	turned := v.Width != picture.Width || v.Height != picture.Height
	if v.wellMeasured() && !turned {
		return ""
	}
	if v.PillowRight != "" {
		other := verdict{}
		other.difference, other.cosine = j.measure(ctx, v.file, picture.Image, v.PillowRight)
		if v.asPillow = other.wellMeasured(); v.asPillow {
			return ""
		}
	}
	if turned {
		return fmt.Sprintf("%d x %d pixels instead of %d x %d", picture.Width, picture.Height, v.Width, v.Height)
	}
	return v.measured()
}

func (v *verdict) wellMeasured() bool { return v.measured() == "" }

// measured says what is wrong with the figures. The model has the last word.
func (v *verdict) measured() string {
	bad := v.cosine < leastCosine
	if math.IsNaN(v.cosine) {
		bad = v.difference > mostDifference
	}
	if bad {
		return fmt.Sprintf("cosine %.5f, pixels differ by %.2f", v.cosine, v.difference)
	}
	return ""
}

// measure compares what the model is given, and what it makes of it.
func (j *judge) measure(ctx context.Context, f file, got image.Image, right string) (difference, cosine float64) {
	want, err := j.open(ctx, right, nil)
	if err != nil {
		return math.Inf(1), -1
	}
	difference = meanDifference(j.values(got), j.values(want))
	if j.model == nil {
		return difference, math.NaN()
	}
	small, err := j.open(ctx, f.Name, j.model.Target)
	if err != nil {
		return difference, -1
	}
	vectors, err := j.model.EncodeImages(ctx, []image.Image{small, want})
	if err != nil {
		return difference, -1
	}
	return difference, dot(vectors[0], vectors[1])
}

// open decodes a file of the folder.
func (j *judge) open(ctx context.Context, name string, target decode.Target) (image.Image, error) {
	content, err := decode.Read(ctx, filepath.Join(j.folder, name), decode.Limits{})
	if err != nil {
		return nil, err
	}
	picture, err := j.decode(ctx, content, target, decodeMemory)
	return picture.Image, err
}

func (j *judge) decode(ctx context.Context, content decode.Content, target decode.Target, memory int64) (decode.Picture, error) {
	picture, err := j.decoder.Decode(ctx, content, target, decode.Limits{MaxMemory: memory, Budget: decode.NewBudget(memory)})
	picture.Release()
	return picture, err
}

func (j *judge) values(img image.Image) []float32 {
	pixels, err := j.pixels.Process(img)
	if err != nil {
		return nil
	}
	return pixels.Values
}

// meanDifference is of 255, of values from -1 to 1.
func meanDifference(a, b []float32) float64 {
	if len(a) == 0 || len(a) != len(b) {
		return math.Inf(1)
	}
	var sum float64
	for i := range a {
		sum += math.Abs(float64(a[i] - b[i]))
	}
	return sum / float64(len(a)) * halfRange
}

// dot is the cosine of vectors of length one.
func dot(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}
