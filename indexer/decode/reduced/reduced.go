package reduced

import (
	"context"
	"errors"
	"fmt"
	"image"
)

// ErrRefused is returned, wrapped, for a JPEG of another kind and for a damaged one.
var ErrRefused = errors.New("it cannot be decoded at reduced size")

func refuse(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, a...))
}

// Points are the reductions: how many samples of a row or column are made of 8.
var Points = [...]int{1, 2, 3, 4}

// Side is a side of a picture after reduction: rounded, at least one pixel. Up to
// half of the last may lie outside of the picture, where encoders repeat its edge.
func Side(side, points int) int { return max(1, (side*points+4)/8) }

// Decode reads a JPEG with each side reduced to Side, for one of Points. The
// picture is a *image.Gray, or a *image.YCbCr whose chroma is sampled as in the
// file. Errors are those of ctx, or wrap ErrRefused.
func Decode(ctx context.Context, data []byte, points int) (image.Image, error) {
	h, rest, err := readHeader(ctx, data)
	if err != nil {
		return nil, err
	}
	d := newDecoder(h, points)
	if err := d.scan(ctx, rest); err != nil {
		return nil, err
	}
	return d.picture(), nil
}

// decoder decodes the scan.
type decoder struct {
	*header
	points       int
	planes       []*plane
	places       []place // of the blocks of an MCU, in their order
	across, down int     // MCUs
	coded        coded
	coefficients coefficients
}

// plane is a component while it is being decoded.
type plane struct {
	transform
	dc     *codes
	ac     *acCodes
	last   int32 // DC coefficient of the block before
	pixels []byte
	stride int
	at     int // where the pixels of the MCU begin
}

// place is where a block of an MCU belongs: in which plane, and where in what the
// MCU covers of it.
type place struct {
	*plane
	offset int
}

func newDecoder(h *header, points int) *decoder {
	d := &decoder{header: h, points: points}
	luma := h.components[0]
	d.across, d.down = units(h.width, luma.across), units(h.height, luma.down)
	for _, c := range h.components {
		p := &plane{
			transform: newTransform(points, h.quantization[c.quantization]),
			dc:        h.dc[c.dc], ac: h.ac[c.ac], stride: d.across * c.across * points,
		}
		p.dc.prepareDC()
		p.ac.prepare()
		p.pixels = make([]byte, p.stride*d.down*c.down*points)
		for i := range c.down * c.across {
			offset := i/c.across*points*p.stride + i%c.across*points
			d.places = append(d.places, place{p, offset})
		}
		d.planes = append(d.planes, p)
	}
	return d
}

// units is how many MCUs of as many blocks cover a side.
func units(side, blocks int) int { return (side + 8*blocks - 1) / (8 * blocks) }

// scan decodes all MCUs.
func (d *decoder) scan(ctx context.Context, data []byte) error {
	d.coded.start(data)
	marker, left := byte(rst0), d.restart
	for y := range d.down {
		if err := ctx.Err(); err != nil {
			return err
		}
		for x := range d.across {
			if d.restart > 0 && left == 0 {
				if err := d.pass(marker); err != nil {
					return err
				}
				marker, left = rst0|(marker+1)&7, d.restart
			}
			left--
			if !d.unit(x, y) {
				return refuse("its coded data are damaged")
			}
		}
	}
	return d.pass(eoi)
}

// pass goes on behind a restart marker, where decoding begins afresh (ITU-T T.81,
// E.2.4).
func (d *decoder) pass(marker byte) error {
	if !d.coded.pass(marker) {
		return refuse("marker %#x is not where it belongs", marker)
	}
	for _, p := range d.planes {
		p.last = 0
	}
	return nil
}

// unit decodes an MCU. It returns false for data that is not one.
func (d *decoder) unit(x, y int) bool {
	for i, p := range d.planes {
		c := &d.components[i]
		p.at = (y*c.down*p.stride + x*c.across) * d.points
	}
	for _, to := range d.places {
		p := to.plane
		if !d.coded.block(p.dc, p.ac, p.needed, &d.coefficients) {
			return false
		}
		p.last += d.coefficients[0]
		d.coefficients[0] = p.last
		p.inverse(&d.coefficients, p.pixels[p.at+to.offset:], p.stride)
	}
	return true
}

// picture is what the planes show.
func (d *decoder) picture() image.Image {
	bounds := image.Rect(0, 0, Side(d.width, d.points), Side(d.height, d.points))
	luma := d.planes[0]
	if len(d.planes) == 1 {
		return &image.Gray{Pix: luma.pixels, Stride: luma.stride, Rect: bounds}
	}
	cb, cr := d.planes[1], d.planes[2]
	return &image.YCbCr{
		Y: luma.pixels, YStride: luma.stride, Cb: cb.pixels, Cr: cr.pixels, CStride: cb.stride,
		SubsampleRatio: d.ratio, Rect: bounds,
	}
}
