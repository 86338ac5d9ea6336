package decode

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"testing"
)

// vast is a grey JPEG of three components, 4:2:0, of any size: each MCU is the same 32
// bits, with the standard tables a zero and the end of the block six times.
func vast(t testing.TB, width, height int) []byte {
	t.Helper()
	small := image.NewRGBA(image.Rect(0, 0, 16, 16))
	for i := range small.Pix {
		small.Pix[i] = 200
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, small, nil); err != nil {
		t.Fatal(err)
	}
	data := b.Bytes()
	frame, scan := bytes.Index(data, []byte("\xff\xc0")), bytes.Index(data, []byte("\xff\xda"))
	head := data[:scan+2+int(binary.BigEndian.Uint16(data[scan+2:]))]
	binary.BigEndian.PutUint16(head[frame+5:], uint16(height))
	binary.BigEndian.PutUint16(head[frame+7:], uint16(width))
	units := (width + 15) / 16 * ((height + 15) / 16)
	out := append(bytes.Clone(head), bytes.Repeat([]byte{0x28, 0xA2, 0x8A, 0x00}, units)...)
	return append(out, endOfImage...)
}

// A picture of 200 megapixels that is wanted small takes little memory, whatever turn
// it needs.
func TestTwoHundredMegapixels(t *testing.T) {
	data := vast(t, 16384, 12288)
	for name, data := range map[string][]byte{"upright": data, "turned": withOrientation(data, 6)} {
		budget := NewBudget(64 << 20)
		before := allocated()
		picture, err := new(Decoder).Decode(t.Context(), NewContent(name, data), target(224, 224), Limits{Budget: budget, MaxMemory: 64 << 20})
		if err != nil {
			t.Fatal(err)
		}
		if grown := allocated() - before; grown > 64<<20 {
			t.Errorf("%s: %d MiB were allocated", name, grown>>20)
		}
		if whole(t, budget) == nil {
			t.Errorf("%s: the picture does not count against the budget", name)
		}
		if max(picture.Width, picture.Height) != 16384 || picture.Width*picture.Height != 16384*12288 {
			t.Errorf("%s: %d x %d", name, picture.Width, picture.Height)
		}
		if got := color.GrayModel.Convert(picture.Image.At(9, 9)).(color.Gray); got.Y != 128 {
			t.Errorf("%s: %v", name, got)
		}
		picture.Release()
	}
}

// The memory that is taken for a JPEG at full size is what it allocates, or more.
func TestJPEGMemory(t *testing.T) {
	for _, size := range []image.Point{{1024, 768}, {1023, 768}, {641, 479}} {
		for _, orientation := range []int{1, 3, 6} {
			for name, data := range map[string][]byte{
				"4:2:0": vast(t, size.X, size.Y),
				"gray":  encoded(t, "jpeg", image.NewGray(image.Rectangle{Max: size})),
			} {
				data = withOrientation(data, orientation)
				ask := task{decoder: new(Decoder), ctx: t.Context(), data: data, limits: Limits{}.withDefaults()}
				var err error
				if ask.codec, ask.data, err = NewContent("", data).codec(ask.limits); err != nil {
					t.Fatal(err)
				}
				before := allocated()
				if _, err := ask.run(); err != nil {
					t.Fatal(err)
				}
				grown := int64(allocated() - before)
				ask.config, ask.meta = image.Config{ColorModel: color.YCbCrModel, Width: size.X, Height: size.Y}, readMetadata("jpeg", data)
				if name == "gray" {
					ask.config.ColorModel = color.GrayModel
				}
				if took := ask.memory(); grown > took {
					t.Errorf("%s %v, orientation %d: %d bytes, allocated %d", name, size, orientation, took, grown)
				}
			}
		}
	}
}
