package decode

import (
	"image"
	"image/draw"

	xdraw "golang.org/x/image/draw"

	"polylens/indexer/decode/isobmff"
)

// withAlpha adds the transparency of a HEIC, which its decoder leaves out. It is a
// picture of its own, which the same decoder reads from a copy of the file that calls
// it the primary one.
func (t task) withAlpha(img image.Image, p isobmff.Picture) image.Image {
	if p.Alpha == 0 {
		return img
	}
	alpha, err := t.decodeAlpha(p.Alpha)
	if err != nil {
		t.warn("it is shown without its transparency: " + err.Error())
		return img
	}
	b := img.Bounds()
	out, ok := img.(*image.NRGBA)
	if !ok {
		out = image.NewNRGBA(image.Rectangle{Max: b.Size()})
		draw.Draw(out, out.Rect, img, b.Min, draw.Src)
	}
	addAlpha(out, fitting(alpha, b.Size()))
	if p.Premultiplied {
		return &image.RGBA{Pix: bounded(out.Pix), Stride: out.Stride, Rect: out.Rect}
	}
	return out
}

// alphaMemory is what withAlpha takes beside what the picture does: a copy of the file,
// the transparency, and a channel more than YCbCr has.
func (t task) alphaMemory() int64 {
	p, err := isobmff.Read(t.data)
	if err != nil || p.Alpha == 0 || t.codec.name != "heic" {
		return 0
	}
	return 2*int64(len(t.data)) + 2*t.pixels()
}

func (t task) decodeAlpha(item uint64) (*image.Gray, error) {
	prepared, err := isobmff.Prepare(t.data)
	if err != nil {
		return nil, err
	}
	file, err := isobmff.Select(prepared, item)
	if err != nil {
		return nil, err
	}
	p, err := isobmff.Read(file)
	if err != nil {
		return nil, err
	}
	img, err := t.decoder.heic.Decode(t.ctx, file, p.Bits, t.pixels(), t.wasmMemory())
	if err != nil {
		return nil, err
	}
	switch m := img.(type) {
	case *image.Gray:
		return m, nil
	case *image.YCbCr:
		return &image.Gray{Pix: m.Y, Stride: m.YStride, Rect: m.Rect}, nil
	}
	return nil, faultf(Unsupported, "it is a picture in colours")
}

// fitting scales transparency that is coded smaller than its picture.
func fitting(alpha *image.Gray, size image.Point) *image.Gray {
	if alpha.Rect.Size() == size {
		return alpha
	}
	out := image.NewGray(image.Rectangle{Max: size})
	xdraw.BiLinear.Scale(out, out.Rect, alpha, alpha.Rect, draw.Src, nil)
	return out
}

func addAlpha(img *image.NRGBA, alpha *image.Gray) {
	for y := range img.Rect.Dy() {
		row, from := img.Pix[y*img.Stride:], alpha.Pix[y*alpha.Stride:]
		for x := range img.Rect.Dx() {
			row[4*x+3] = from[x]
		}
	}
}

// bounded makes sure that premultiplied colours are not greater than their alpha, as
// coded ones may be.
func bounded(pix []byte) []byte {
	for i := 0; i+3 < len(pix); i += 4 {
		for c := range 3 {
			pix[i+c] = min(pix[i+c], pix[i+3])
		}
	}
	return pix
}
