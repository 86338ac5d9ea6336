package decode

import (
	"context"
	"image"

	"polylens/indexer/decode/color"
)

// task is one picture while it is being decoded.
type task struct {
	decoder *Decoder
	codec   codec
	ctx     context.Context
	clock   *clock // ctx, or nil
	data    []byte
	target  Target
	limits  Limits
	warned  *[]string // see damaged; nil forgets

	config image.Config // what the file says, before its orientation
	meta   metadata
	colors *color.Conversion // to sRGB; nil leaves colours as they are
}

// picture is upright. full is its size in the file. release gives back the
// memory that was taken for it.
type picture struct {
	image   image.Image
	full    image.Point
	release func()
}

// run checks the size, then decodes.
func (t task) run() (picture, error) {
	t, err := t.inside()
	if err != nil {
		return picture{}, err
	}
	if t.codec.name == "jpeg" {
		t.data = withAdobe(t.data)
	}
	if t.config, err = t.codec.config(t); err != nil {
		return picture{}, err
	}
	if err := t.limits.check(t.config.Width, t.config.Height); err != nil {
		return picture{}, err
	}
	t.meta = readMetadata(t.codec.name, t.data)
	t.colors = t.readColors()
	switch t.codec.name {
	case "jpeg":
		return t.runJPEG()
	case jpeg2000:
		return t.runJPEG2000()
	}
	return t.runGo()
}

// runGo decodes at full size.
func (t task) runGo() (picture, error) {
	return t.holding(t.memory(), func() (image.Image, image.Point, error) {
		img, err := t.codec.decode(t)
		if err != nil {
			return nil, image.Point{}, err
		}
		if img.Bounds().Empty() {
			return nil, image.Point{}, faultf(Empty, "it has no pixels")
		}
		img = t.finish(plain(img, t.codec.name, t.config))
		return img, img.Bounds().Size(), nil
	})
}

// holding takes memory and decodes. The memory is given back at once if no picture
// comes of it, even after a panic; otherwise the picture gives it back.
func (t task) holding(bytes int64, decode func() (image.Image, image.Point, error)) (p picture, err error) {
	t.clock.wait()
	release, err := t.limits.take(t.ctx, bytes)
	if err != nil {
		return picture{}, err // and still waiting: its time is over
	}
	t.clock.begin()
	defer func() {
		if p.image == nil {
			release()
		}
	}()
	img, full, err := decode()
	if err != nil {
		return picture{}, err
	}
	return picture{img, full, release}, nil
}

func (t task) pixels() int64 { return int64(t.config.Width) * int64(t.config.Height) }

// upright is the size of the picture after its orientation.
func (t task) upright() image.Point {
	return turned(image.Pt(t.config.Width, t.config.Height), t.meta.orientation)
}

// turned exchanges the sides where the orientation does.
func turned(size image.Point, orientation int) image.Point {
	if orientation >= 5 {
		return image.Pt(size.Y, size.X)
	}
	return size
}
