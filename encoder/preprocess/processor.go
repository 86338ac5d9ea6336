package preprocess

import (
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
)

// Processor turns pictures into pixel tensors. It is read-only after Open and
// safe for concurrent use.
type Processor struct {
	height, width int
	filter        filter
	levels        [3][256]float32 // value of a byte after rescaling and normalization, per channel
}

// Open reads preprocessor_config.json in the model directory. The error names
// the file and what in it cannot be followed.
func Open(modelDir string) (*Processor, error) {
	path := filepath.Join(modelDir, "preprocessor_config.json")
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the image processing of the model: %w", err)
	}
	p, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("image processing %s: %w", path, err)
	}
	return p, nil
}

// Size returns the height and width of every tensor in pixels.
func (p *Processor) Size() (height, width int) { return p.height, p.width }

// Pixels returns the picture as a planar tensor [3, height, width], squashed
// to the model's size whatever its aspect ratio, channels in the order R G B.
// The picture must be upright already. Only an empty picture is an error.
func (p *Processor) Pixels(img image.Image) ([]float32, error) {
	if img == nil || img.Bounds().Empty() {
		return nil, errors.New("the picture has no pixels")
	}
	rgb := resize(img, p.height, p.width, p.filter)
	n := p.height * p.width
	out := make([]float32, 3*n)
	r, g, b := out[:n], out[n:2*n], out[2*n:]
	for i := range n {
		r[i] = p.levels[0][rgb[3*i]]
		g[i] = p.levels[1][rgb[3*i+1]]
		b[i] = p.levels[2][rgb[3*i+2]]
	}
	return out, nil
}
