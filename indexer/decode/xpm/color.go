package xpm

import (
	"bytes"
	"fmt"
	"image/color"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/image/colornames"

	"polylens/indexer/decode/raster"
)

// kinds of screens for which there may be a colour, best first. A symbolic name ("s") is
// passed over.
var kinds = []string{"c", "g", "g4", "m"}

// others are the colours of X11 that have other values in CSS.
var others = map[string]color.NRGBA{
	"gray": {190, 190, 190, 255}, "grey": {190, 190, 190, 255}, "green": {0, 255, 0, 255},
	"maroon": {176, 48, 96, 255}, "purple": {160, 32, 240, 255},
}

// colorOf reads pairs of a kind of screen and a colour, whose name may have several words.
func colorOf(pairs []byte) (color.NRGBA, error) {
	found, kind := map[string]string{}, ""
	for _, word := range bytes.Fields(pairs) {
		if w := string(word); w == "s" || slices.Contains(kinds, w) {
			kind = w
			found[kind] = ""
		} else {
			found[kind] += strings.ToLower(w)
		}
	}
	for _, kind := range kinds {
		if name, ok := found[kind]; ok {
			return named(name)
		}
	}
	return color.NRGBA{}, raster.Unsupported(fmt.Sprintf("an XPM with the colour %.40q", pairs))
}

// named is a colour by its name in small letters without spaces, or its number.
func named(name string) (color.NRGBA, error) {
	if name == "none" {
		return color.NRGBA{}, nil
	}
	if c, ok := numbered(name); ok {
		return c, nil
	}
	if c, ok := others[name]; ok {
		return c, nil
	}
	if c, ok := colornames.Map[name]; ok {
		return color.NRGBA(c), nil
	}
	for _, gray := range []string{"gray", "grey"} {
		percent, err := strconv.ParseUint(strings.TrimPrefix(name, gray), 10, 8)
		if err == nil && percent <= 100 && strings.HasPrefix(name, gray) {
			level := raster.Scale(int(percent), 100)
			return color.NRGBA{level, level, level, 255}, nil
		}
	}
	return color.NRGBA{}, raster.Unsupported(fmt.Sprintf("an XPM with the colour %.40q", name))
}

// numbered reads # and one to four hexadecimal digits for each of red, green and blue.
func numbered(name string) (c color.NRGBA, ok bool) {
	digits, ok := strings.CutPrefix(name, "#")
	each := len(digits) / 3
	if !ok || len(digits)%3 != 0 || each < 1 || each > 4 {
		return c, false
	}
	var levels [3]byte
	for i := range levels {
		n, err := strconv.ParseUint(digits[i*each:][:each], 16, 16)
		if err != nil {
			return c, false
		}
		levels[i] = raster.Scale(int(n), 1<<(4*each)-1)
	}
	return color.NRGBA{levels[0], levels[1], levels[2], 255}, true
}
