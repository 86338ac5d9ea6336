package color

import (
	"encoding/binary"
	"image"
	"math"
)

// additive is the table for RGB whose channels are independent: what each value of each
// channel adds to the light of red, green and blue of sRGB. One number holds all three,
// such that they are added at once.
type additive struct {
	levels uint32
	// parts are by sample. Those of 8 bits go on beyond both ends, for what YCbCr makes
	// that is no colour: above with white, and from the end downwards with black.
	parts [3][]uint64
	// samples are those of sRGB, by light.
	samples *[1 << lightBits]byte
}

const (
	lightBits = 16 // of the index of samples
	below     = 5  // bits of a part that are not in the index
	laneBits  = lightBits + below
	// fineWhole is how many steps of the index light of 1 has, unless colours are so wide
	// that they need more room.
	fineWhole = 1 << 14
	// extended is how many values there are of 8 bits and beyond.
	extended = 1 << 10
)

// encodings are the samples of light from 0 to 1.
var encodings = func() (table [fineWhole + 1]byte) {
	for i := range table {
		table[i] = eightBits(encoded([3]float64{float64(i) / fineWhole})[0])
	}
	return table
}()

// newAdditive returns nil where the light does not fit into the table.
func newAdditive(f formula, levels int) *additive {
	light := lightOfChannels(f, levels)
	least, most := span(light)
	const room = 1<<lightBits - 2
	coarse := 1
	for ; !((most-least)*fineWhole <= float64(room*coarse)); coarse *= 2 {
		if coarse == fineWhole>>8 {
			return nil
		}
	}
	t := &additive{levels: uint32(levels), samples: new([1 << lightBits]byte)}
	whole := float64(fineWhole / coarse)
	zero := int(math.Ceil(-least * whole))
	for i := range t.samples {
		t.samples[i] = encodings[max(0, min((i-zero)*coarse, fineWhole))]
	}
	for channel := range light {
		t.parts[channel] = packed(light[channel], whole*(1<<below))
	}
	addZero(t.parts[0], zero)
	return t
}

// lightOfChannels is what each channel adds.
func lightOfChannels(f formula, levels int) (light [3][][3]float64) {
	black := lightOf(f, 0, 0)
	for channel := range light {
		light[channel] = make([][3]float64, levels)
		for i := range light[channel] {
			light[channel][i] = lightOf(f, channel, float64(i)/float64(levels-1))
			for c := range black {
				if channel > 0 {
					light[channel][i][c] -= black[c]
				}
			}
		}
	}
	return light
}

// lightOf is what one channel alone makes.
func lightOf(f formula, channel int, v float64) [3]float64 {
	samples := make([]float64, 3)
	samples[channel] = v
	return each(decoded)(f.convert(samples))
}

// span is the least and the most light that the channels make together.
func span(light [3][][3]float64) (least, most float64) {
	for c := range 3 {
		var low, high float64
		for channel := range light {
			lowest, highest := math.Inf(1), math.Inf(-1)
			for _, v := range light[channel] {
				lowest, highest = min(lowest, v[c]), max(highest, v[c])
			}
			low, high = low+lowest, high+highest
		}
		least, most = min(least, low), max(most, high)
	}
	return least, most
}

// packed puts the three numbers of each value into one. Negative ones borrow from their
// neighbours, which the sum gives back.
func packed(light [][3]float64, whole float64) []uint64 {
	parts := make([]uint64, len(light))
	for i, v := range light {
		for c := range v {
			parts[i] += uint64(int64(math.Round(v[c]*whole))) << (c * laneBits)
		}
	}
	if len(parts) != shallow {
		return parts
	}
	const middle = (shallow + extended) / 2
	for i := shallow; i < extended; i++ {
		end := shallow - 1
		if i >= middle {
			end = 0
		}
		parts = append(parts, parts[end])
	}
	return parts
}

// addZero adds the index of no light, and what rounds to the nearest.
func addZero(parts []uint64, zero int) {
	sum := uint64(zero)<<below + 1<<(below-1)
	for i := range parts {
		parts[i] += sum | sum<<laneBits | sum<<(2*laneBits)
	}
}

func (t *additive) row(dst []byte, samples []uint16) {
	red, green, blue, encode := t.parts[0], t.parts[1], t.parts[2], t.samples
	for ; len(dst) >= 4; dst, samples = dst[4:], samples[perPixel:] {
		sum := red[level(samples[0], t.levels)] + green[level(samples[1], t.levels)] + blue[level(samples[2], t.levels)]
		binary.LittleEndian.PutUint32(dst, pixel(encode, sum)|uint32(samples[3]>>8)<<24)
	}
}

// pixel is red, green and blue of a sum of parts.
func pixel(encode *[1 << lightBits]byte, sum uint64) uint32 {
	return uint32(encode[uint16(sum>>below)]) |
		uint32(encode[uint16(sum>>(laneBits+below))])<<8 |
		uint32(encode[uint16(sum>>(2*laneBits+below))])<<16
}

// eight are the parts of samples of 8 bits.
func (t *additive) eight() (red, green, blue *[extended]uint64) {
	return (*[extended]uint64)(t.parts[0]), (*[extended]uint64)(t.parts[1]), (*[extended]uint64)(t.parts[2])
}

// bytes converts four bytes a pixel, of which the last is alpha.
func (t *additive) bytes(dst, src []byte) {
	red, green, blue := t.eight()
	encode := t.samples
	for ; len(dst) >= 4 && len(src) >= 4; dst, src = dst[4:], src[4:] {
		v := binary.LittleEndian.Uint32(src)
		sum := red[byte(v)] + green[byte(v>>8)] + blue[byte(v>>16)]
		binary.LittleEndian.PutUint32(dst, pixel(encode, sum)|v&(0xFF<<24))
	}
}

// ycbcr converts a row whose chroma has a sample for each pixel or for two. It rounds to
// RGB as color.YCbCrToRGB does.
func (t *additive) ycbcr(dst, luma, cb, cr []byte, pairs bool) {
	red, green, blue := t.eight()
	encode := t.samples
	const opaque = 0xFF << 24
	if pairs {
		for ; len(dst) >= 8 && len(luma) >= 2 && len(cb) > 0 && len(cr) > 0; dst, luma, cb, cr = dst[8:], luma[2:], cb[1:], cr[1:] {
			r, g, b := chroma(cb[0], cr[0])
			y := int32(luma[0]) * 0x10101
			first := red[(y+r)>>16&(extended-1)] + green[(y+g)>>16&(extended-1)] + blue[(y+b)>>16&(extended-1)]
			y = int32(luma[1]) * 0x10101
			second := red[(y+r)>>16&(extended-1)] + green[(y+g)>>16&(extended-1)] + blue[(y+b)>>16&(extended-1)]
			binary.LittleEndian.PutUint32(dst, pixel(encode, first)|opaque)
			binary.LittleEndian.PutUint32(dst[4:], pixel(encode, second)|opaque)
		}
	}
	for ; len(dst) >= 4 && len(luma) > 0 && len(cb) > 0 && len(cr) > 0; dst, luma, cb, cr = dst[4:], luma[1:], cb[1:], cr[1:] {
		r, g, b := chroma(cb[0], cr[0])
		y := int32(luma[0]) * 0x10101
		sum := red[(y+r)>>16&(extended-1)] + green[(y+g)>>16&(extended-1)] + blue[(y+b)>>16&(extended-1)]
		binary.LittleEndian.PutUint32(dst, pixel(encode, sum)|opaque)
	}
}

// chroma is what a pair adds to the luma of R, G and B, in 1/65536 (JFIF, with the
// factors of color.YCbCrToRGB).
func chroma(cb, cr byte) (r, g, b int32) {
	u, v := int32(cb)-128, int32(cr)-128
	return 91881 * v, -22554*u - 46802*v, 116130 * u
}

// direct converts pictures of 8 bits without a detour; nil where it cannot.
func (t *additive) direct(img image.Image) *image.NRGBA {
	at, width := img.Bounds().Min, img.Bounds().Dx()
	rect := image.Rectangle{Max: img.Bounds().Size()}
	if t.levels != shallow {
		return nil
	}
	switch m := img.(type) {
	case *image.NRGBA:
		out := &image.NRGBA{Pix: m.Pix[m.PixOffset(at.X, at.Y):], Stride: m.Stride, Rect: rect}
		for y := range rect.Max.Y {
			row := out.Pix[y*out.Stride:][:4*width]
			t.bytes(row, row)
		}
		return out
	case *image.YCbCr:
		pairs := m.SubsampleRatio == image.YCbCrSubsampleRatio420 || m.SubsampleRatio == image.YCbCrSubsampleRatio422
		whole := m.SubsampleRatio == image.YCbCrSubsampleRatio444 || m.SubsampleRatio == image.YCbCrSubsampleRatio440
		if !whole && !pairs || pairs && at.X%2 != 0 {
			return nil
		}
		out := image.NewNRGBA(rect)
		for y := range rect.Max.Y {
			c := m.COffset(at.X, at.Y+y)
			t.ycbcr(out.Pix[y*out.Stride:], m.Y[m.YOffset(at.X, at.Y+y):][:width], m.Cb[c:], m.Cr[c:], pairs)
		}
		return out
	}
	return nil
}
