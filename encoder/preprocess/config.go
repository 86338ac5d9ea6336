package preprocess

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
)

// Bounds of the tensor that a file may ask for; SigLIP 2 has at most 512
// pixels a side, or 1024 patches of 16.
const (
	maxSide       = 4096
	maxPatchSide  = 64
	maxNumPatches = 4096
)

// config is preprocessor_config.json as far as it matters here. A key that is
// missing or null has the default of the class, SiglipImageProcessor or
// Siglip2ImageProcessor. do_convert_rgb is not read: without it the reference fails on every picture
// that conversion would change.
type config struct {
	Type          *string         `json:"image_processor_type"`
	DoResize      *bool           `json:"do_resize"`
	Size          json.RawMessage `json:"size"`
	Resample      *int            `json:"resample"`
	DoRescale     *bool           `json:"do_rescale"`
	RescaleFactor *float64        `json:"rescale_factor"`
	DoNormalize   *bool           `json:"do_normalize"`
	ImageMean     *channels       `json:"image_mean"`
	ImageStd      *channels       `json:"image_std"`
	DoCenterCrop  *bool           `json:"do_center_crop"`
	DoPad         *bool           `json:"do_pad"`
	PatchSize     *int            `json:"patch_size"`
	MaxNumPatches *int            `json:"max_num_patches"`
}

// channels is a value for each of R, G and B; one number stands for all three.
type channels [3]float64

func (c *channels) UnmarshalJSON(data []byte) error {
	var one float64
	if err := json.Unmarshal(data, &one); err == nil {
		*c = channels{one, one, one}
		return nil
	}
	var list []float64
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	if len(list) != len(c) {
		return fmt.Errorf("%d values for the three channels", len(list))
	}
	*c = channels(list)
	return nil
}

// Parse reads the content of a preprocessor_config.json.
func Parse(data []byte) (*Processor, error) {
	var c config
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("not a readable preprocessor_config.json: %w", err)
	}
	name, err := c.class()
	if err != nil {
		return nil, err
	}
	p := &Processor{path: fastestPath()}
	resample := bicubic
	if name == naflexClass {
		resample = bilinear
		err = p.setPatches(&c)
	} else {
		p.height, p.width = 224, 224
		err = p.setSize(c.Size)
	}
	if err != nil {
		return nil, err
	}
	if p.filter, err = filterByCode(or(c.Resample, resample)); err != nil {
		return nil, err
	}
	return p, p.setLevels(or(c.ImageMean, halves), or(c.ImageStd, halves), c.level)
}

const (
	fixedClass  = "SiglipImageProcessor"
	naflexClass = "Siglip2ImageProcessor"
)

var halves = channels{0.5, 0.5, 0.5}

// class returns the name of the class without the suffix of its
// implementation. It refuses processors that do something else with a picture.
func (c *config) class() (string, error) {
	t := or(c.Type, fixedClass)
	name := strings.TrimSuffix(strings.TrimSuffix(t, "Fast"), "Pil")
	switch {
	case name != fixedClass && name != naflexClass:
		return "", fmt.Errorf("image_processor_type is %q; want %s or %s", t, fixedClass, naflexClass)
	case !or(c.DoResize, true):
		return "", errors.New("do_resize is false; the model needs pictures of its size")
	case or(c.DoCenterCrop, false):
		return "", fmt.Errorf("do_center_crop is true; %s does not crop", name)
	case or(c.DoPad, false):
		return "", fmt.Errorf("do_pad is true; %s does not pad pictures", name)
	}
	return name, nil
}

func (p *Processor) setPatches(c *config) error {
	p.patch, p.maxPatches = or(c.PatchSize, 16), or(c.MaxNumPatches, 256)
	if p.patch < 1 || p.patch > maxPatchSide {
		return fmt.Errorf("patch_size is %d; want 1 to %d", p.patch, maxPatchSide)
	}
	if p.maxPatches < 1 || p.maxPatches > maxNumPatches {
		return fmt.Errorf("max_num_patches is %d; want 1 to %d", p.maxPatches, maxNumPatches)
	}
	return nil
}

// setSize reads size: {"height", "width"} or [height, width].
func (p *Processor) setSize(raw json.RawMessage) error {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var size map[string]int
	if err := json.Unmarshal(raw, &size); err != nil {
		var list [2]int
		if json.Unmarshal(raw, &list) != nil {
			return fmt.Errorf(`size is %.80s; want {"height": H, "width": W}`, raw)
		}
		size = map[string]int{"height": list[0], "width": list[1]}
	}
	h, okH := size["height"]
	w, okW := size["width"]
	if !okH || !okW || len(size) != 2 {
		return fmt.Errorf(`size is %.80s; want {"height": H, "width": W}`, raw)
	}
	if h < 1 || w < 1 || h > maxSide || w > maxSide {
		return fmt.Errorf("size is %d x %d; want 1 to %d", h, w, maxSide)
	}
	p.height, p.width = h, w
	return nil
}

// level returns the value of a byte. As the reference does, the product is
// taken in float64, mean and std in float32.
func (c *config) level(v byte, mean, std float32) float32 {
	x := float32(v)
	if or(c.DoRescale, true) {
		x = float32(float64(v) * or(c.RescaleFactor, 1.0/255))
	}
	if or(c.DoNormalize, true) {
		x = (x - mean) / std
	}
	return x
}

// setLevels computes the value of each byte once.
func (p *Processor) setLevels(mean, std channels, level func(v byte, mean, std float32) float32) error {
	for ch := range p.levels {
		for v := range p.levels[ch] {
			x := level(byte(v), float32(mean[ch]), float32(std[ch]))
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
				return fmt.Errorf("with mean %g and std %g, byte %d of channel %d becomes %g, which is not finite",
					mean[ch], std[ch], v, ch, x)
			}
			p.levels[ch][v] = x
		}
	}
	return nil
}

func or[T any](p *T, missing T) T {
	if p == nil {
		return missing
	}
	return *p
}
