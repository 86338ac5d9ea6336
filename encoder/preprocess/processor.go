package preprocess

import (
	"errors"
	"fmt"
	"image"
)

// Processor turns pictures into pixel tensors. It is read-only and safe for
// concurrent use.
type Processor struct {
	height, width     int // of every tensor, 0 for NaFlex
	patch, maxPatches int // side of a patch and limit of their number, 0 for fixed resolution
	filter            filter
	levels            [3][256]float32 // value of a byte after rescaling and normalization, per channel
	path              path
}

// Pixels is a picture as a model takes it. For fixed resolution, Values is
// [3, height, width] with the channels in the order R G B, and Rows and
// Columns are 0. For NaFlex, Values is [Rows*Columns, 3*P*P] for patches with
// P pixels a side: the grid row by row, and in a patch row, column, channel.
// There is no padding.
type Pixels struct {
	Values        []float32
	Rows, Columns int
}

// Size returns the height and width of every tensor in pixels, 0 and 0 where
// they vary with the picture.
func (p *Processor) Size() (height, width int) { return p.height, p.width }

// Variable reports whether pictures keep their aspect ratio (NaFlex).
func (p *Processor) Variable() bool { return p.patch > 0 }

// PatchSize returns the side of a patch in pixels, 0 for fixed resolution.
func (p *Processor) PatchSize() int { return p.patch }

// MaxPatches returns the largest number of patches that a picture may have, 0
// for fixed resolution.
func (p *Processor) MaxPatches() int { return p.maxPatches }

// WithMaxPatches returns a processor with another limit, 64 to 1024. More
// patches show smaller things and take longer. A processor of fixed resolution
// is an error.
func (p *Processor) WithMaxPatches(n int) (*Processor, error) {
	if !p.Variable() {
		return nil, fmt.Errorf("max_num_patches %d is for NaFlex models; this one takes %d x %d pixels", n, p.width, p.height)
	}
	if n < leastMaxPatches || n > mostMaxPatches {
		return nil, fmt.Errorf("max_num_patches is %d; want %d to %d", n, leastMaxPatches, mostMaxPatches)
	}
	other := *p
	other.maxPatches = n
	return &other, nil
}

// Target returns the size in pixels to which a picture of the given size is
// resized. A decoder that reduces should not go below it.
func (p *Processor) Target(width, height int) (w, h int) {
	if !p.Variable() {
		return p.width, p.height
	}
	return fitPatches(width, height, p.patch, p.maxPatches)
}

// MaxValues returns the largest number of values that a picture may have.
func (p *Processor) MaxValues() int {
	return 3 * max(p.height*p.width, p.maxPatches*p.patch*p.patch)
}

// Process makes the tensor of a picture, which must be upright already. Only
// an empty picture is an error.
func (p *Processor) Process(img image.Image) (Pixels, error) {
	if empty(img) {
		return Pixels{}, errNoPixels
	}
	w, h := p.Target(img.Bounds().Dx(), img.Bounds().Dy())
	return p.ProcessInto(make([]float32, 3*w*h), img)
}

// ProcessInto is Process with the values written to the beginning of dst and
// nowhere else. It is an error if dst is too short; MaxValues always suffice.
func (p *Processor) ProcessInto(dst []float32, img image.Image) (Pixels, error) {
	if empty(img) {
		return Pixels{}, errNoPixels
	}
	w, h := p.Target(img.Bounds().Dx(), img.Bounds().Dy())
	if len(dst) < 3*w*h {
		return Pixels{}, fmt.Errorf("the picture becomes %d x %d pixels with 3 values each, there is room for %d values", w, h, len(dst))
	}
	dst = dst[: 3*w*h : 3*w*h]
	if p.Variable() {
		resize(img, w, h, p.filter, p.path, func(y int, row planes) { p.storePatches(dst, row, y, w) })
		return Pixels{dst, h / p.patch, w / p.patch}, nil
	}
	resize(img, w, h, p.filter, p.path, func(y int, row planes) { p.storePlanes(dst, row, y) })
	return Pixels{Values: dst}, nil
}

// Pixels is the Values of Process.
func (p *Processor) Pixels(img image.Image) ([]float32, error) {
	pixels, err := p.Process(img)
	return pixels.Values, err
}

var errNoPixels = errors.New("the picture has no pixels")

func empty(img image.Image) bool { return img == nil || img.Bounds().Empty() }

// storePlanes writes row y of a picture into the three planes of dst.
func (p *Processor) storePlanes(dst []float32, row planes, y int) {
	for c := range p.levels {
		level := &p.levels[c]
		out := dst[(c*p.height+y)*p.width:][:p.width]
		for x, v := range row.plane(c, p.width) {
			out[x] = level[byte(v)]
		}
	}
}
