package preprocess

import (
	"fmt"
	"image"
	"image/color"
	"slices"
	"testing"
)

const sided = `{"image_processor_type": "SiglipImageProcessor", "size": {"height": %d, "width": %[1]d}, "resample": 2,
	"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}`

func TestWithSide(t *testing.T) {
	parse := func(side int) *Processor {
		p, err := Parse(fmt.Appendf(nil, sided, side))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	picture := image.NewGray(image.Rect(0, 0, 31, 23))
	for i := range picture.Pix {
		picture.SetGray(i%31, i/31, color.Gray{uint8(i * i)})
	}
	other, err := parse(16).WithSide(10)
	if err != nil {
		t.Fatal(err)
	}
	got, err := other.Pixels(picture)
	if err != nil {
		t.Fatal(err)
	}
	if want, err := parse(10).Pixels(picture); err != nil || !slices.Equal(got, want) {
		t.Errorf("another side gives other pixels than a processor of that side (%v)", err)
	}
	if _, err := parse(16).WithSide(0); err == nil {
		t.Error("no pixels a side are no error")
	}
}
