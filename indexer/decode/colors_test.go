package decode

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The pictures and the reference were written by testdata/write_colors.py.
func TestColorsEqualReference(t *testing.T) { equalReference(t, "testdata/colors") }

func readColors(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata/colors", name))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// segment is one of a JPEG.
func segment(marker byte, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	return slices.Concat([]byte{0xFF, marker}, binary.BigEndian.AppendUint16(nil, uint16(2+len(body))), body)
}

// inserted puts segments behind the start of a JPEG.
func inserted(jpeg []byte, segments ...[]byte) []byte {
	return slices.Concat(jpeg[:2], slices.Concat(segments...), jpeg[2:])
}

// profileSegment is a whole profile.
func profileSegment(profile string) []byte {
	return segment(0xE2, []byte("ICC_PROFILE\x00\x01\x01"), []byte(profile))
}

func decoded(t *testing.T, decoder *Decoder, data []byte, target Target) (image.Image, Info) {
	t.Helper()
	img, info, err := decoder.Bytes(t.Context(), "a", data, target, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return img, info
}

func samePixels(a, b image.Image) bool {
	if a.Bounds() != b.Bounds() {
		return false
	}
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			if color.NRGBAModel.Convert(a.At(x, y)) != color.NRGBAModel.Convert(b.At(x, y)) {
				return false
			}
		}
	}
	return true
}

// A profile that cannot be used is worth a sentence, not the picture.
func TestDamagedProfiles(t *testing.T) {
	plain := encoded(t, "jpeg", gradient(40, 30))
	want, info := decoded(t, new(Decoder), plain, nil)
	if len(info.Warnings) > 0 {
		t.Error(info.Warnings)
	}
	profile, err := jpegProfile(readColors(t, "swapped.jpg"))
	if err != nil || len(profile) < 500 {
		t.Fatal(len(profile), err)
	}
	half := profile[:len(profile)/2]
	lab := profile[:16] + "Lab " + profile[20:]
	many := profile[:128] + "\xff\xff\xff\xff" + profile[132:]
	for name, try := range map[string]struct {
		segments [][]byte
		says     string
	}{
		"empty":             {[][]byte{profileSegment("x")}, "cut off"},
		"half":              {[][]byte{profileSegment(half)}, "cut off"},
		"of Lab":            {[][]byte{profileSegment(lab)}, `kind "Lab"`},
		"4 billion tags":    {[][]byte{profileSegment(many)}, "cut off"},
		"a part is missing": {[][]byte{segment(0xE2, []byte("ICC_PROFILE\x00\x02\x02"), []byte(half))}, "part"},
	} {
		got, info := decoded(t, new(Decoder), inserted(plain, try.segments...), nil)
		if !samePixels(got, want) {
			t.Errorf("%s: other pixels", name)
		}
		if len(info.Warnings) != 1 || !strings.Contains(info.Warnings[0], try.says) {
			t.Errorf("%s: %q, want one warning that says %q", name, info.Warnings, try.says)
		}
	}
}

// A profile for ink does not fit a picture of light.
func TestProfileOfOtherKind(t *testing.T) {
	profile, err := jpegProfile(readColors(t, "cmyk_icc.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	_, info := decoded(t, new(Decoder), inserted(encoded(t, "jpeg", gradient(40, 30)), profileSegment(profile)), nil)
	if len(info.Warnings) != 1 || !strings.Contains(info.Warnings[0], "CMYK") {
		t.Error(info.Warnings)
	}
}

// Every way to decode a JPEG converts it: whole and reduced, by Go and by libjpeg-turbo.
func TestReducedIsConverted(t *testing.T) {
	profile, err := jpegProfile(readColors(t, "swapped.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	data := inserted(photographJPEG(t, 1600, 1200, 90, 3), profileSegment(profile))
	whole, _ := decoded(t, new(Decoder), data, nil)
	unconverted, _ := decoded(t, new(Decoder), photographJPEG(t, 1600, 1200, 90, 3), nil)
	if difference, _ := compare(scaled(unconverted, 64), scaled(whole, 64)); difference < 10 {
		t.Fatalf("the profile changes nothing: %.2f", difference)
	}
	for name, decoder := range map[string]*Decoder{"reduced": {}, "turbo": {Outside: openTurbo(t), Exact: true}} {
		got, info := decoded(t, decoder, data, target(128, 128))
		if name == "reduced" && got.Bounds().Dx() > 800 {
			t.Errorf("it is not reduced: %v", got.Bounds())
		}
		if info.Width != 1600 || len(info.Warnings) > 0 {
			t.Errorf("%s: %+v", name, info)
		}
		if difference, cosine := compare(scaled(got, 128), scaled(whole, 128)); difference > 3 || cosine < 0.998 {
			t.Errorf("%s: root mean square difference %.2f of 255, cosine %.6f", name, difference, cosine)
		}
	}
}

// What says that it is in sRGB stays as it comes from its decoder.
func TestSRGBIsLeftAlone(t *testing.T) {
	profile := readColors(t, "srgb.icc")
	plain := photographJPEG(t, 1600, 1200, 90, 4)
	decoder := new(Decoder)
	for _, want := range []Target{nil, target(128, 128)} {
		a, _ := decoded(t, decoder, plain, want)
		b, info := decoded(t, decoder, inserted(plain, profileSegment(string(profile))), want)
		if _, ok := b.(*image.YCbCr); !ok || !samePixels(a, b) || len(info.Warnings) > 0 {
			t.Errorf("%T instead of %T, warnings %q", b, a, info.Warnings)
		}
	}
}

// Of Ultra HDR and other pictures with a gain map, which stands behind the picture, the
// base is shown.
func TestGainMapJPEG(t *testing.T) {
	base := encoded(t, "jpeg", gradient(64, 48))
	var gain bytes.Buffer
	if err := jpeg.Encode(&gain, image.NewGray(image.Rect(0, 0, 16, 12)), nil); err != nil {
		t.Fatal(err)
	}
	xmp := segment(0xE1, []byte("http://ns.adobe.com/xap/1.0/\x00"),
		[]byte(`<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"/></rdf:RDF></x:xmpmeta>`))
	directory := multiPicture(len(base), gain.Len())
	ultra := slices.Concat(inserted(base, xmp, segment(0xE2, directory)), gain.Bytes())
	want, _ := decoded(t, new(Decoder), base, nil)
	got, info := decoded(t, new(Decoder), ultra, nil)
	if !samePixels(got, want) || len(info.Warnings) > 0 {
		t.Errorf("not the base: %v, warnings %q", got.Bounds(), info.Warnings)
	}
}

// multiPicture is the directory of two pictures (CIPA DC-007).
func multiPicture(first, second int) []byte {
	out := []byte("MPF\x00II*\x00\x08\x00\x00\x00\x02\x00")
	field := func(tag, kind uint16, count, value uint32) {
		out = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(out, tag), kind)
		out = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(out, count), value)
	}
	field(0xB001, 4, 1, 2)
	field(0xB002, 7, 32, 38)
	out = append(out, 0, 0, 0, 0)
	for _, entry := range [][3]uint32{{0x030000, uint32(first), 0}, {0, uint32(second), uint32(first)}} {
		for _, v := range entry {
			out = binary.LittleEndian.AppendUint32(out, v)
		}
		out = append(out, 0, 0, 0, 0)
	}
	return out
}

// An auxiliary picture of a HEIC that is no transparency, such as a gain map or depth,
// does not count.
func TestAuxiliaryHEIC(t *testing.T) {
	data := readColors(t, "alpha.heic")
	alpha := []byte("urn:mpeg:hevc:2015:auxid:1")
	if !bytes.Contains(data, alpha) {
		t.Fatal("it has no transparency")
	}
	gain := bytes.Replace(data, alpha, []byte("urn:com:apple:photo:2020:a"), 1)
	got, info := decoded(t, new(Decoder), gain, nil)
	for y := range got.Bounds().Dy() {
		for x := range got.Bounds().Dx() {
			if _, _, _, a := got.At(x, y).RGBA(); a != 0xFFFF {
				t.Fatalf("pixel %d, %d is transparent", x, y)
			}
		}
	}
	if len(info.Warnings) > 0 {
		t.Error(info.Warnings)
	}
}

// Transparency that cannot be read costs the transparency.
func TestDamagedAlphaHEIC(t *testing.T) {
	data := readColors(t, "alpha.heic")
	at := bytes.LastIndex(data, []byte("hvc1")) // the kind of the second item
	if first := bytes.Index(data, []byte("hvc1")); first < 0 || first == at {
		t.Fatal("the transparency is no item")
	}
	damaged := slices.Clone(data)
	copy(damaged[at:], "????")
	_, info := decoded(t, new(Decoder), damaged, nil)
	if len(info.Warnings) != 1 || !strings.Contains(info.Warnings[0], "transparency") {
		t.Error(info.Warnings)
	}
}

// Colours that are multiplied with their transparency already are not so again.
func TestPremultipliedHEIC(t *testing.T) {
	data := readColors(t, "alpha.heic")
	want, _ := decoded(t, new(Decoder), data, nil)
	at := bytes.Index(data, []byte("auxl"))
	reference := data[at-4 : at+10] // from one item to one
	from, to := reference[8:10], data[at+8:at+10]
	multiplied := slices.Concat(binary.BigEndian.AppendUint32(nil, 14), []byte("prem"), to, []byte{0, 1}, from)
	got, info := decoded(t, new(Decoder), withReference(t, data, multiplied), nil)
	if _, ok := got.(*image.RGBA); !ok || len(info.Warnings) > 0 {
		t.Fatalf("%T, warnings %q", got, info.Warnings)
	}
	for x := range got.Bounds().Dx() {
		straight := color.NRGBAModel.Convert(want.At(x, 3)).(color.NRGBA)
		if got := got.At(x, 3).(color.RGBA); got.A != straight.A || got.R != min(straight.R, straight.A) {
			t.Fatalf("pixel %d: %v, want %v as it is", x, got, straight)
		}
	}
}

// withReference puts a box into iref, the last of meta, and tells all who are concerned.
func withReference(t *testing.T, data, reference []byte) []byte {
	t.Helper()
	added := uint32(len(reference))
	grow := func(b []byte) { binary.BigEndian.PutUint32(b, binary.BigEndian.Uint32(b)+added) }
	data = slices.Clone(data)
	iref := bytes.Index(data, []byte("iref")) - 4
	end := iref + int(binary.BigEndian.Uint32(data[iref:]))
	meta := bytes.Index(data, []byte("meta")) - 4
	if end != meta+int(binary.BigEndian.Uint32(data[meta:])) {
		t.Fatal("iref is not the last of meta")
	}
	iloc := bytes.Index(data, []byte("iloc")) + 4
	if !bytes.Equal(data[iloc:iloc+8], []byte{0, 0, 0, 0, 0x44, 0x40, 0, 2}) {
		t.Fatalf("iloc is of another kind: %x", data[iloc:iloc+8])
	}
	const entry, offset = 18, 10 // of one extent, in version 0 with numbers of 4 bytes
	for item := range 2 {
		grow(data[iloc+8+item*entry+offset:])
	}
	grow(data[iref:])
	grow(data[meta:])
	return slices.Insert(data, end, reference...)
}

func FuzzSource(f *testing.F) {
	for _, folder := range []string{"testdata", "testdata/colors"} {
		files, err := filepath.Glob(folder + "/*.*")
		if err != nil || len(files) == 0 {
			f.Fatal("no seeds", err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			if format, _ := sniff(data); format != "" && len(data) < 8<<10 {
				f.Add(data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		format, before := sniff(data)
		source, err := readSource(format, data[before:])
		if err != nil && source.Profile != "" {
			t.Errorf("a profile of %d bytes beside %v", len(source.Profile), err)
		}
		if format != "png" && len(source.Profile) > len(data) {
			t.Errorf("a profile of %d bytes in a file of %d", len(source.Profile), len(data))
		}
	})
}
