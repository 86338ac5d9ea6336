package preprocess

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
)

// maxSide bounds the tensor that a file may ask for; SigLIP 2 has at most 512.
const maxSide = 4096

// config is preprocessor_config.json as far as it matters here. A key that is
// missing or null has the default of the class SiglipImageProcessor.
// do_convert_rgb is not read: without it the reference fails on every picture
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
	if err := c.supported(); err != nil {
		return nil, err
	}
	p := &Processor{height: 224, width: 224}
	var err error
	if p.filter, err = filterByCode(or(c.Resample, 3)); err != nil {
		return nil, err
	}
	if err := p.setSize(c.Size); err != nil {
		return nil, err
	}
	return p, p.setLevels(&c)
}

// supported refuses processors that do something else with a picture.
func (c *config) supported() error {
	t := or(c.Type, "SiglipImageProcessor")
	if name := strings.TrimSuffix(strings.TrimSuffix(t, "Fast"), "Pil"); name != "SiglipImageProcessor" {
		return fmt.Errorf("image_processor_type is %q; only SiglipImageProcessor is supported (not NaFlex)", t)
	}
	switch {
	case !or(c.DoResize, true):
		return errors.New("do_resize is false; the model needs pictures of one size")
	case or(c.DoCenterCrop, false):
		return errors.New("do_center_crop is true; SiglipImageProcessor does not crop")
	case or(c.DoPad, false):
		return errors.New("do_pad is true; SiglipImageProcessor does not pad")
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

// setLevels computes the value of each byte once. As the reference does, the
// product is taken in float64, mean and std in float32.
func (p *Processor) setLevels(c *config) error {
	half := channels{0.5, 0.5, 0.5}
	mean, std := or(c.ImageMean, half), or(c.ImageStd, half)
	factor := or(c.RescaleFactor, 1.0/255)
	for ch := range p.levels {
		for v := range p.levels[ch] {
			x := float32(v)
			if or(c.DoRescale, true) {
				x = float32(float64(v) * factor)
			}
			if or(c.DoNormalize, true) {
				x = (x - float32(mean[ch])) / float32(std[ch])
			}
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
				return fmt.Errorf("rescale_factor %g, image_mean %g and image_std %g give values that are not finite",
					factor, mean[ch], std[ch])
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
