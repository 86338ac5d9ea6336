package caption

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Box is a part of a picture: fractions of its width and height, from the left
// and from the top.
type Box struct{ Left, Top, Right, Bottom float64 }

// BoxAttribute is the attribute of a pair that holds its box, as ParseBox reads
// it.
const BoxAttribute = "box"

// places is how many steps along a side the decoder distinguishes.
const places = 500

// ParseBox reads the left, top, right and bottom side of a box, fractions of
// the picture's width and height with spaces or commas between them, such as
// "0.1, 0.25, 0.5, 1".
func ParseBox(text string) (Box, error) {
	fields := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
	if len(fields) != 4 {
		return Box{}, fmt.Errorf("box %q has %d numbers, want left, top, right and bottom", text, len(fields))
	}
	var sides [4]float64
	for i, field := range fields {
		side, err := strconv.ParseFloat(field, 64)
		if err != nil || !(side >= 0 && side <= 1) {
			return Box{}, fmt.Errorf("box %q: %q is no fraction of the picture's width or height, 0 to 1", text, field)
		}
		sides[i] = side
	}
	box := Box{sides[0], sides[1], sides[2], sides[3]}
	if box.Left >= box.Right || box.Top >= box.Bottom {
		return Box{}, fmt.Errorf("box %q is empty: want left, top, right and bottom, in this order", text)
	}
	return box, nil
}

// String is what the decoder writes: whole numbers from 0 to 500.
func (b Box) String() string {
	return fmt.Sprintf("%d %d %d %d", place(b.Left), place(b.Top), place(b.Right), place(b.Bottom))
}

func place(side float64) int { return int(math.Round(side * places)) }
