package color

import (
	"errors"
	"image"
	"image/color"
	"image/draw"
	"slices"
	"strings"
	"sync"
	"testing"
)

func profileNamed(tb testing.TB, name string) string {
	tb.Helper()
	for _, r := range references(tb) {
		if r.Name == name {
			return string(r.ICC)
		}
	}
	tb.Fatalf("no profile %q", name)
	return ""
}

func conversionOf(tb testing.TB, s Source) *Conversion {
	tb.Helper()
	c, err := new(Cache).Conversion(s)
	if err != nil || c == nil {
		tb.Fatal(c, err)
	}
	return c
}

// sample has transparent pixels, and dark and light ones.
func sample() *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, 16, 16))
	for i := range 256 {
		copy(m.Pix[4*i:], []byte{byte(i), byte(255 - i), byte(i * 7), byte(max(255-i/2, 0))})
	}
	return m
}

// Every kind of picture that decoders give becomes the same, also where it is a part of
// another.
func TestKindsOfPictures(t *testing.T) {
	c := conversionOf(t, Source{Profile: profileNamed(t, "channels exchanged")})
	opaque := sample()
	for i := range opaque.Pix {
		if i%4 == 3 {
			opaque.Pix[i] = 255
		}
	}
	for name, kind := range map[string]struct {
		from image.Image
		to   draw.Image
	}{
		"NRGBA":   {sample(), image.NewNRGBA(image.Rect(0, 0, 16, 16))},
		"RGBA":    {opaque, image.NewRGBA(image.Rect(0, 0, 16, 16))},
		"NRGBA64": {sample(), image.NewNRGBA64(image.Rect(0, 0, 16, 16))},
		"RGBA64":  {sample(), image.NewRGBA64(image.Rect(0, 0, 16, 16))},
	} {
		draw.Draw(kind.to, kind.to.Bounds(), kind.from, image.Point{}, draw.Src)
		same, err := c.Apply(kind.to)
		if err != nil {
			t.Fatal(name, err)
		}
		wantImage := image.NewNRGBA(image.Rect(0, 0, 16, 16))
		draw.Draw(wantImage, wantImage.Rect, kind.from, image.Point{}, draw.Src)
		want, err := c.Apply(wantImage)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 256 {
			a, b := same.(*image.NRGBA).NRGBAAt(i%16, i/16), want.(*image.NRGBA).NRGBAAt(i%16, i/16)
			if max(far(a.R, b.R), far(a.G, b.G), far(a.B, b.B)) > 1 || a.A != b.A {
				t.Fatalf("%s: pixel %d: %v, want %v", name, i, a, b)
			}
		}
	}
}

func far(a, b byte) byte { return max(a, b) - min(a, b) }

func TestPartsOfPictures(t *testing.T) {
	c := conversionOf(t, Source{Profile: profileNamed(t, "wide")})
	part := image.Rect(3, 5, 12, 14)
	whole, err := c.Apply(sample())
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Apply(sample().SubImage(part))
	if err != nil {
		t.Fatal(err)
	}
	for y := range part.Dy() {
		for x := range part.Dx() {
			if got.At(x, y) != whole.At(part.Min.X+x, part.Min.Y+y) {
				t.Fatalf("pixel %d, %d: %v, want %v", x, y, got.At(x, y), whole.At(part.Min.X+x, part.Min.Y+y))
			}
		}
	}
}

// Grey stays grey where the profile lets it, in one byte a pixel.
func TestGrey(t *testing.T) {
	ramp := func() *image.Gray { return picture(1, slices.Collect(bytesUpTo(256))).(*image.Gray) }
	for name, want := range map[string]bool{"grey, gamma": true, "wide": true, "matrix, three curves": false} {
		got, err := conversionOf(t, Source{Profile: profileNamed(t, name)}).Apply(ramp())
		if err != nil {
			t.Fatal(name, err)
		}
		if _, ok := got.(*image.Gray); ok != want {
			t.Errorf("%s: %T", name, got)
		}
		if got.Bounds() != image.Rect(0, 0, 256, 1) {
			t.Errorf("%s: %v", name, got.Bounds())
		}
	}
}

func bytesUpTo(n int) func(func(byte) bool) {
	return func(yield func(byte) bool) {
		for i := range n {
			if !yield(byte(i)) {
				return
			}
		}
	}
}

func TestPalette(t *testing.T) {
	c := conversionOf(t, Source{Profile: profileNamed(t, "channels exchanged")})
	m := image.NewPaletted(image.Rect(0, 0, 2, 1), color.Palette{color.RGBA{10, 200, 90, 255}, color.NRGBA{}})
	m.Pix[1] = 1
	got, err := c.Apply(m)
	if err != nil {
		t.Fatal(err)
	}
	p := got.(*image.Paletted)
	if _, _, _, alpha := p.At(1, 0).RGBA(); alpha != 0 || p.Palette[0] == m.Palette[0] || len(p.Palette) != 2 {
		t.Errorf("%v", p.Palette)
	}
}

// What does not fit is left as it is.
func TestOtherKind(t *testing.T) {
	for name, img := range map[string]image.Image{
		"CMYK, mft2":    sample(),
		"grey, gamma":   sample(),
		"matrix, gamma": image.NewCMYK(image.Rect(0, 0, 2, 2)),
	} {
		if _, err := conversionOf(t, Source{Profile: profileNamed(t, name)}).Apply(img); !errors.Is(err, ErrOther) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A profile is evaluated once, and not for ever.
func TestCache(t *testing.T) {
	var cache Cache
	first := Source{Profile: profileNamed(t, "matrix, gamma")}
	var all [8]*Conversion
	var wait sync.WaitGroup
	for i := range all {
		wait.Go(func() { all[i], _ = cache.Conversion(first) })
	}
	wait.Wait()
	for _, c := range all {
		if c == nil || c != all[0] {
			t.Fatal("several conversions of one profile")
		}
	}
	for i := range 3 * mostKept {
		if _, err := cache.Conversion(Source{Gamma: 1 + float64(i)/1000}); err != nil {
			t.Fatal(err)
		}
	}
	if n := cache.kept.Len(); n > mostKept {
		t.Errorf("%d are kept", n)
	}
	if again, err := cache.Conversion(first); err != nil || again == all[0] {
		t.Error("the first is kept for ever", err)
	}
}

// Numbers in a profile cost nothing before they have been checked.
func TestCheckRefuses(t *testing.T) {
	cmyk, stages, matrix := profileNamed(t, "CMYK, mft2"), profileNamed(t, "mAB to Lab"), profileNamed(t, "matrix, gamma")
	change := func(profile, at string, offset int, to string) string {
		i := strings.LastIndex(profile, at) + offset
		return profile[:i] + to + profile[i+len(to):]
	}
	for name, profile := range map[string]string{
		"too short":               "acsp",
		"too long":                matrix + strings.Repeat("x", MostProfile),
		"tags beyond the end":     matrix[:len(matrix)-20],
		"a huge grid":             change(cmyk, "mft2", 10, "\xff"),
		"two channels":            change(cmyk, "mft2", 8, "\x02"),
		"huge curves":             change(cmyk, "mft2", 48, "\xff\xff"),
		"a curve of 4 billion":    change(matrix, "curv", 8, "\xff\xff\xff\xff"),
		"nodes of no bytes":       change(stages, "mAB ", int(stages[strings.Index(stages, "mAB ")+27])+16+256*int(stages[strings.Index(stages, "mAB ")+26]), "\x00"),
		"a stage beyond the end":  change(stages, "mAB ", 24, "\xff\xff\xff\xff"),
		"a table of another kind": change(cmyk, "mft2", 0, "mft9"),
	} {
		if c, err := new(Cache).Conversion(Source{Profile: profile}); err == nil {
			t.Errorf("%s: %v", name, c)
		}
	}
}

func FuzzProfile(f *testing.F) {
	for _, r := range references(f) {
		f.Add(string(r.ICC))
	}
	f.Fuzz(func(t *testing.T, profile string) {
		c, err := newConversion(Source{Profile: profile})
		if err != nil || c == nil {
			return
		}
		img := picture(c.channels, make([]byte, 2*c.channels))
		if c.channels == 4 {
			return // its table takes long
		}
		if m, ok := img.(*image.NRGBA); ok {
			m.Pix[7] = 9
		}
		out, err := c.Apply(img)
		if err != nil || out.Bounds() != image.Rect(0, 0, 2, 1) {
			t.Fatal(out, err)
		}
		if _, _, _, alpha := out.At(1, 0).RGBA(); c.channels == 3 && alpha != 9*0x101 {
			t.Errorf("alpha is %d", alpha)
		}
	})
}
