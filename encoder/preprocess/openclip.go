package preprocess

import (
	"encoding/json"
	"errors"
	"fmt"
)

// openCLIP is preprocess_cfg.json, which open_clip writes beside an exported
// model. Defaults are those of PreprocessCfg in open_clip.
type openCLIP struct {
	Size          json.RawMessage `json:"size"`
	Mode          *string         `json:"mode"`
	Mean          *channels       `json:"mean"`
	Std           *channels       `json:"std"`
	Interpolation *string         `json:"interpolation"`
	ResizeMode    *string         `json:"resize_mode"`
}

// ParseOpenCLIP reads the content of a preprocess_cfg.json, where it squashes
// pictures to one size, as it does for SigLIP. fill_color does not matter
// then. A picture with transparency is composited onto white first, where
// open_clip would show the colours that transparent pixels store.
func ParseOpenCLIP(data []byte) (*Processor, error) {
	var c openCLIP
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("not a readable preprocess_cfg.json: %w", err)
	}
	if mode := or(c.Mode, "RGB"); mode != "RGB" {
		return nil, fmt.Errorf(`mode is %q; only "RGB" is supported`, mode)
	}
	if resize := or(c.ResizeMode, "shortest"); resize != "squash" {
		return nil, fmt.Errorf(`resize_mode is %q; only "squash", that of SigLIP, is supported`, resize)
	}
	p := &Processor{height: 224, width: 224, path: fastestPath()}
	if err := p.setSize(pair(c.Size)); err != nil {
		return nil, err
	}
	var err error
	if p.filter, err = filterByName(or(c.Interpolation, "bicubic")); err != nil {
		return nil, err
	}
	if c.Mean == nil || c.Std == nil {
		return nil, errors.New("mean or std is missing; those of SigLIP are [0.5, 0.5, 0.5]")
	}
	return p, p.setLevels(*c.Mean, *c.Std, openCLIPLevel)
}

// openCLIPLevel is ToTensor and Normalize of torchvision, all in float32.
func openCLIPLevel(v byte, mean, std float32) float32 {
	return (float32(v)/255 - mean) / std
}

func filterByName(name string) (filter, error) {
	switch name {
	case "bilinear":
		return filterByCode(bilinear)
	case "bicubic":
		return filterByCode(bicubic)
	}
	return filter{}, fmt.Errorf(`interpolation is %q; want "bicubic" or "bilinear"`, name)
}

// pair writes one number, which stands for height and width, as two.
func pair(size json.RawMessage) json.RawMessage {
	var side int
	if json.Unmarshal(size, &side) != nil || string(size) == "null" {
		return size
	}
	return fmt.Appendf(nil, "[%d,%d]", side, side)
}
