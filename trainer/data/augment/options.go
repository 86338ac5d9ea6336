package augment

import (
	"fmt"
	"maps"
	"slices"
)

// Range is from Low to High, both included. The zero value leaves out what the range
// is about.
type Range struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Options say what is done to pictures, in this order. A zero field does
// nothing. Probabilities are from 0 to 1.
type Options struct {
	Size int `json:"size"` // pixels a side that the model sees: much larger pictures are reduced first

	// CropScale is the share of the area that is kept, CropAspect by how much
	// wider in proportion to its height than the picture. What is kept lies
	// anywhere (random resized crop: Szegedy et al., "Going deeper with
	// convolutions", 2015; the model's preprocessing does the resizing).
	CropScale  Range   `json:"crop_scale"`
	CropAspect Range   `json:"crop_aspect"`
	Flip       float64 `json:"flip"` // probability of a mirror image

	// The picture on its canvas: its size, how far it is moved in shares of the
	// side, turned in degrees, stretched in width against height, exp(-s) to
	// exp(s), and sheared, a row by a share of its distance from the middle. What it does not cover is transparent, or has the colour of its
	// border if that is all one.
	Scale    Range   `json:"scale"`
	Shift    float64 `json:"shift"`
	Rotation float64 `json:"rotation"`
	Stretch  float64 `json:"stretch"`
	Shear    float64 `json:"shear"`

	// Probabilities of lines that are thicker or thinner by a pixel, and of an
	// outline around what is drawn.
	Thicken float64 `json:"thicken"`
	Outline float64 `json:"outline"`

	// Jitter is the probability of the next four. Brightness b multiplies by 1-b
	// to 1+b; contrast and saturation do so with the distance from the mean
	// brightness of the picture and from the grey of the pixel. Hue turns colours
	// around grey by up to so many degrees.
	Jitter     float64 `json:"jitter"`
	Brightness float64 `json:"brightness"`
	Contrast   float64 `json:"contrast"`
	Saturation float64 `json:"saturation"`
	Hue        float64 `json:"hue"`
	Gray       float64 `json:"gray"`   // probability of no colour at all
	Invert     float64 `json:"invert"` // probability of a negative

	// Background is the probability that transparent parts show something other than
	// white, which is what search puts behind them: black, a colour, or two that
	// blend into one another. It is never about as bright as the picture.
	Background float64 `json:"background"`

	// Gamma raises levels to the power of exp(-g) to exp(g). Then probabilities
	// of few levels of colour, of edges only, of squares of 2 x 2 pixels, and of
	// noise, whose sigma is in shares of the full level.
	Gamma      float64 `json:"gamma"`
	Posterize  float64 `json:"posterize"`
	Edges      float64 `json:"edges"`
	Coarse     float64 `json:"coarse"`
	Noise      float64 `json:"noise"`
	NoiseSigma Range   `json:"noise_sigma"`

	Blur      float64 `json:"blur"`       // probability
	BlurSigma Range   `json:"blur_sigma"` // of the Gaussian, in shares of the shorter side

	Cutout     float64 `json:"cutout"`      // probability of a grey rectangle
	CutoutArea Range   `json:"cutout_area"` // share of the picture
}

// presets are by domain.
var presets = map[string]Options{
	"none": {},
	// Photographs: parts show the same, light and camera differ. Not mirrored,
	// since texts would be.
	"photo": {
		CropScale: Range{0.5, 1}, CropAspect: Range{0.8, 1.25},
		Jitter: 0.8, Brightness: 0.25, Contrast: 0.25, Saturation: 0.25, Hue: 8, Gray: 0.05,
		Blur: 0.1, BlurSigma: Range{0.002, 0.008},
	},
	// Emoji, icons, logos, flags: all of the shape and most of the colour counts,
	// size, place and background do not. Not mirrored: arrows and flags differ.
	"art": {
		Scale: Range{0.7, 1.15}, Shift: 0.1, Rotation: 12, Stretch: 0.1,
		Jitter: 0.6, Brightness: 0.15, Contrast: 0.2, Saturation: 0.3, Hue: 8, Gray: 0.03,
		Background: 0.5, Blur: 0.1, BlurSigma: Range{0.006, 0.016},
		Cutout: 0.05, CutoutArea: Range{0.02, 0.08},
	},
	// Drawings of which only the shape counts, when a model learns from few styles
	// what is to be found in all: colour, line and texture change as well.
	"style": {
		Scale: Range{0.7, 1.25}, Shift: 0.1, Rotation: 20, Stretch: 0.14, Shear: 0.15,
		Thicken: 0.2, Outline: 0.12,
		Jitter: 0.8, Brightness: 0.25, Contrast: 0.4, Saturation: 0.8, Hue: 40, Gray: 0.1, Invert: 0.06,
		Background: 0.6, Gamma: 0.3, Posterize: 0.12, Edges: 0.05, Coarse: 0.1, Noise: 0.15, NoiseSigma: Range{0.02, 0.08},
		Blur: 0.15, BlurSigma: Range{0.006, 0.022},
	},
	// Pages, charts, screenshots: as from another scanner.
	"document": {
		CropScale: Range{0.8, 1}, CropAspect: Range{0.95, 1.05}, Rotation: 2,
		Jitter: 0.6, Brightness: 0.15, Contrast: 0.25, Saturation: 0.2, Gray: 0.15,
		Blur: 0.1, BlurSigma: Range{0.001, 0.003},
	},
}

// Preset gives options by name: photo, art, style, document or none.
func Preset(name string) (Options, error) {
	if o, ok := presets[name]; ok {
		return o, nil
	}
	return Options{}, fmt.Errorf("augmentation %.80q is not known: use one of %v", name, slices.Sorted(maps.Keys(presets)))
}

// Check says which field is out of bounds.
func (o Options) Check() error {
	for name, p := range map[string]float64{
		"flip": o.Flip, "jitter": o.Jitter, "gray": o.Gray, "background": o.Background, "blur": o.Blur, "cutout": o.Cutout,
		"brightness": o.Brightness, "contrast": o.Contrast, "saturation": o.Saturation, "shift": o.Shift, "stretch": o.Stretch,
		"shear": o.Shear, "thicken": o.Thicken, "outline": o.Outline, "invert": o.Invert, "gamma": o.Gamma,
		"posterize": o.Posterize, "edges": o.Edges, "coarse": o.Coarse, "noise": o.Noise,
	} {
		if !(p >= 0 && p <= 1) {
			return fmt.Errorf("augmentation: %s is %g; want 0 to 1", name, p)
		}
	}
	for name, degrees := range map[string]float64{"rotation": o.Rotation, "hue": o.Hue} {
		if !(degrees >= 0 && degrees <= 180) {
			return fmt.Errorf("augmentation: %s is %g; want 0 to 180 degrees", name, degrees)
		}
	}
	for name, r := range map[string]struct {
		Range
		least, most float64
	}{
		"crop_scale": {o.CropScale, 0.01, 1}, "crop_aspect": {o.CropAspect, 0.1, 10}, "scale": {o.Scale, 0.1, 4},
		"blur_sigma": {o.BlurSigma, 0, 0.1}, "cutout_area": {o.CutoutArea, 0, 1},
		"noise_sigma": {o.NoiseSigma, 0, 1},
	} {
		if r.Range != (Range{}) && !(r.Low >= r.least && r.Low <= r.High && r.High <= r.most) {
			return fmt.Errorf("augmentation: %s is %g to %g; want it in order, from %g to %g", name, r.Low, r.High, r.least, r.most)
		}
	}
	if o.Size < 0 {
		return fmt.Errorf("augmentation: size is %d; want pixels, or 0 to reduce nothing", o.Size)
	}
	return nil
}
