package batch

import (
	"fmt"
	"image"
	"image/color"
	"reflect"
	"testing"
)

// tinted is an augmenter that leaves its mark.
type tinted uint16

func (c tinted) Apply(picture image.Image, sample, step uint64) image.Image {
	number := picture.At(0, 0).(color.Gray16).Y
	return image.NewUniform(color.NRGBA64{number, uint16(sample), uint16(step), uint16(c)})
}

// TestViews: each picture has its further views in the steps that ask for them,
// of what was decoded, not of what was augmented.
func TestViews(t *testing.T) {
	items := numbers(20)
	s := sampler(t, made(items, english), items, Options{Seed: 1, Size: 5})
	p := &pictures{broken: func(picture int) bool { return picture == 3 }}
	views := func(step int) []View {
		if step < 2 {
			return nil
		}
		return []View{{tinted(1), p}, {tinted(2), p}}
	}
	for _, loaded := range take(t, loader(t, s, p, LoaderOptions{Views: views, MaxBroken: 0.5}), 0, 4) {
		for row, picture := range loaded.Pictures {
			var want [][]float32
			for range views(loaded.Step) {
				want = append(want, []float32{float32(picture), float32(row), float32(loaded.Step)})
			}
			if !reflect.DeepEqual(loaded.Views[row], want) {
				t.Errorf("step %d, row %d: views %v, want %v", loaded.Step, row, fmt.Sprint(loaded.Views[row]), want)
			}
		}
	}
}
