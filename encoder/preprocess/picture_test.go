package preprocess

import (
	"image"
	"image/color"
	"testing"
)

// sample is the formula of testdata/write_reference.py.
func sample(x, y, c, seed int) byte {
	if (x>>3+y>>3)&1 == 0 {
		return byte((x*3 + y*5 + c*160) >> 2)
	}
	h := uint32(x*73856093 ^ y*19349663 ^ c*83492791 ^ seed)
	return byte(h * 2654435761 >> 24)
}

// fill fills interleaved channels as the formula says.
func fill(pix []byte, width, channels, seed int) {
	for i := range pix {
		p := i / channels
		pix[i] = sample(p%width, p/width, i%channels, seed)
	}
}

// picture draws in a mode of Pillow.
func picture(t testing.TB, mode string, width, height, seed int) image.Image {
	t.Helper()
	r := image.Rect(0, 0, width, height)
	switch mode {
	case "RGB":
		m := image.NewNRGBA(r)
		for i := range m.Pix {
			p := i / 4
			m.Pix[i] = sample(p%width, p/width, i%4, seed)
			if i%4 == 3 {
				m.Pix[i] = 255
			}
		}
		return m
	case "RGBA":
		m := image.NewNRGBA(r)
		fill(m.Pix, width, 4, seed)
		return m
	case "CMYK":
		m := image.NewCMYK(r)
		fill(m.Pix, width, 4, seed)
		return m
	case "L":
		m := image.NewGray(r)
		fill(m.Pix, width, 1, seed)
		return m
	case "I;16":
		m := image.NewGray16(r)
		fill(m.Pix, width, 2, seed)
		for i := 0; i < len(m.Pix); i += 2 {
			m.Pix[i] >>= 7
		}
		return m
	case "P":
		m := image.NewPaletted(r, make(color.Palette, 256))
		fill(m.Pix, width, 1, seed)
		for i := range m.Palette {
			m.Palette[i] = color.NRGBA{sample(i, 0, 0, seed+1), sample(i, 0, 1, seed+1), sample(i, 0, 2, seed+1), sample(i, 0, 3, seed+1)}
		}
		return m
	}
	t.Fatalf("mode %q", mode)
	return nil
}

func mustFilter(t testing.TB, code int) filter {
	t.Helper()
	f, err := filterByCode(code)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// resized returns the resized picture as interleaved bytes.
func resized(img image.Image, width, height int, f filter, on path) []byte {
	var out []byte
	resize(img, width, height, f, on, func(_ int, row planes) { out = append(out, interleaved(row, width)...) })
	return out
}

func interleaved(row planes, width int) []byte {
	out := make([]byte, 0, 3*width)
	r, g, b := row.rgb(width)
	for i := range r {
		out = append(out, byte(r[i]), byte(g[i]), byte(b[i]))
	}
	return out
}

// readRow returns row y of a picture as interleaved bytes.
func readRow(img image.Image, y int, on path) []byte {
	width := img.Bounds().Dx()
	row := planes{make([]int16, 3*width), width}
	rowReader(img, on)(row, y)
	return interleaved(row, width)
}
