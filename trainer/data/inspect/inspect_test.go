package inspect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/draw"

	"polylens/indexer/decode"
	"polylens/trainer/data"
)

var update = flag.Bool("update", false, "write golden files")

// stored opens pictures by URI.
type stored map[string][]byte

func (s stored) Bytes(ctx context.Context, picture data.Picture) ([]byte, error) {
	content, ok := s[picture.URI]
	if !ok {
		return nil, os.ErrNotExist
	}
	return content, ctx.Err()
}

// scene is a smooth picture made of a seed: the same seed is the same scene.
func scene(seed uint64, width, height int) image.Image {
	r := rand.New(rand.NewPCG(seed, 0))
	var wave [3][4]float64
	for c := range wave {
		for i := range wave[c] {
			wave[c][i] = r.Float64() * 12
		}
	}
	picture := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			u, v := float64(x)/float64(width), float64(y)/float64(height)
			var level [3]uint8
			for c, w := range wave {
				level[c] = uint8(128 + 60*math.Sin(w[0]*u+w[1]*v) + 60*math.Cos(w[2]*u-w[3]*v))
			}
			picture.SetNRGBA(x, y, color.NRGBA{level[0], level[1], level[2], 255})
		}
	}
	return picture
}

func asPNG(t testing.TB, picture image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func asJPEG(t testing.TB, picture image.Image, quality int) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, picture, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func scaled(picture image.Image, width, height int) image.Image {
	out := image.NewNRGBA(image.Rect(0, 0, width, height))
	draw.CatmullRom.Scale(out, out.Rect, picture, picture.Bounds(), draw.Src, nil)
	return out
}

// records are a source.
type records []data.Record

func (r records) Read(_ context.Context, record func(data.Record) error, _ func(data.Problem)) error {
	for _, one := range r {
		if err := record(one); err != nil {
			return err
		}
	}
	return nil
}

func collect(t testing.TB, r ...data.Record) *data.Set {
	t.Helper()
	set, err := data.Collect(t.Context(), records(r))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func record(uri, item string, texts ...string) data.Record {
	r := data.Record{Picture: data.Picture{URI: uri}, Item: item, Relevance: 1}
	for _, text := range texts {
		language, text, _ := strings.Cut(text, ":")
		r.Captions = append(r.Captions, data.Caption{Language: language, Text: text})
	}
	return r
}

func inspect(t testing.TB, set *data.Set, s stored, options Options) *Findings {
	t.Helper()
	f, err := Inspect(t.Context(), set, s, data.DecodeWith(new(decode.Decoder), decode.Limits{}), options)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFindsWhatIsTheSame(t *testing.T) {
	first := scene(1, 300, 200)
	s := stored{
		"original": asPNG(t, first), "copy": asPNG(t, first), "small": asJPEG(t, scaled(first, 150, 100), 60),
		"other": asPNG(t, scene(2, 300, 200)), "view": asPNG(t, scene(3, 64, 64)), "broken": []byte("GIF89a"),
		"bridge": asPNG(t, scene(4, 64, 64)), "bridge too": asPNG(t, scene(4, 64, 64)), "far": asPNG(t, scene(5, 64, 64)),
	}
	set := collect(t,
		record("original", "", "en:a"), record("other", "x", "en:b"), record("broken", "x", "en:c"), record("copy", "", "en:d"),
		record("missing", "", "en:e"), record("small", "", "en:f"), record("view", "x", "en:g"),
		record("bridge", "left", "en:h"), record("bridge too", "right", "en:i"), record("far", "right"),
	)
	f := inspect(t, set, s, Options{Workers: 3})
	if want := []int{0, 1, -1, 0, -1, 2, 1, 3, 3, 3}; !slices.Equal(f.Items, want) {
		t.Errorf("got items %v, want %v", f.Items, want)
	}
	if want := []int{0, 1, -1, 0, -1, 0, 1, 2, 2, 2}; !slices.Equal(f.Groups, want) {
		t.Errorf("got groups %v, want %v", f.Groups, want)
	}
	if f := inspect(t, set, s, Options{Near: Off}); f.Groups[5] == f.Groups[0] || f.Groups[3] != f.Groups[0] {
		t.Errorf("files only: got groups %v", f.Groups)
	}
	if !errors.Is(f.Contents[4].Err, os.ErrNotExist) || f.Contents[0].Width == 0 {
		t.Errorf("got contents %+v", f.Contents)
	}
}

func TestInspectEnds(t *testing.T) {
	set := collect(t, record("a", "", "en:a"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	decoder := data.DecodeWith(new(decode.Decoder), decode.Limits{})
	if _, err := Inspect(ctx, set, stored{"a": nil}, decoder, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := Inspect(t.Context(), set, stored{}, decoder, Options{Near: 16}); err == nil {
		t.Error("16 bits were accepted, which bands do not find")
	}
}

// flat is a picture of 17 x 16 pixels of one grey, with the given ones.
func flat(level uint8, pixels map[image.Point]color.NRGBA) image.Image {
	picture := image.NewNRGBA(image.Rect(0, 0, 17, 16))
	draw.Draw(picture, picture.Rect, image.NewUniform(color.NRGBA{level, level, level, 255}), image.Point{}, draw.Src)
	for at, c := range pixels {
		picture.SetNRGBA(at.X, at.Y, c)
	}
	return picture
}

func TestSignatureBits(t *testing.T) {
	white := color.NRGBA{255, 255, 255, 255}
	for _, test := range []struct {
		name    string
		picture image.Image
		want    [4]uint64
	}{
		{"flat", flat(100, nil), [4]uint64{}},
		{"brighter to the right", flat(100, map[image.Point]color.NRGBA{{5, 0}: white, {0, 3}: white, {16, 15}: white}),
			[4]uint64{1 << 4, 0, 0, 1 << 63}},
		{"noise", flat(100, map[image.Point]color.NRGBA{{5, 1}: {102, 102, 102, 255}, {8, 1}: {103, 103, 103, 255}}),
			[4]uint64{1 << 23}},
		{"transparent is grey", flat(100, map[image.Point]color.NRGBA{{3, 0}: {0, 0, 0, 0}, {9, 0}: {255, 255, 255, 0}}),
			[4]uint64{1<<2 | 1<<8}},
	} {
		if got := Sign(test.picture).Bits; got != test.want {
			t.Errorf("%s: got %x, want %x", test.name, got, test.want)
		}
	}
}

func TestSignatureColours(t *testing.T) {
	picture := image.NewNRGBA(image.Rect(0, 0, 4, 4))
	draw.Draw(picture, picture.Rect, image.NewUniform(color.NRGBA{10, 20, 30, 255}), image.Point{}, draw.Src)
	picture.SetNRGBA(3, 0, color.NRGBA{200, 0, 100, 128})
	got := Sign(picture).Colours
	if want := [3]uint8{10, 20, 30}; [3]uint8(got[:3]) != want || [3]uint8(got[45:]) != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if want := [3]uint8{163, 63, 113}; [3]uint8(got[9:12]) != want { // half of it, on grey
		t.Errorf("got %v, want %v", got[9:12], want)
	}
	red, blue := flat(0, nil), flat(0, nil)
	for i := 0; i < 4*17*16; i += 4 {
		red.(*image.NRGBA).Pix[i] = 200
		blue.(*image.NRGBA).Pix[i+2] = 200
	}
	if Sign(red).Near(Sign(blue), 15) {
		t.Error("red and blue look the same")
	}
}

func TestSignatureOfTinyPictures(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {1, 5000}, {3, 2}} {
		Sign(image.NewNRGBA(image.Rectangle{Max: size})) // must not fail
	}
}

func TestBandsFindAllNear(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var a Signature
		for i := range a.Bits {
			a.Bits[i] = r.Uint64()
		}
		b := a
		for _, bit := range r.Perm(256)[:15] {
			b.Bits[bit/64] ^= 1 << (bit % 64)
		}
		if a.Near(b, 14) || !a.Near(b, 15) {
			t.Fatal("the distance is not 15")
		}
		contents := []Content{{Signature: a}, {Signature: b}}
		u := newUnions(2)
		if joinNear(u, contents, 15); u.find(1) != 0 {
			t.Fatal("no band agrees")
		}
	}
}

// members are findings of one picture a group.
func members(n int) *Findings {
	f := &Findings{groups: n, items: n}
	for i := range n {
		f.Contents = append(f.Contents, Content{SHA256: [32]byte{byte(i), byte(i >> 8)}})
		f.Groups = append(f.Groups, i)
	}
	return f
}

func TestSplit(t *testing.T) {
	f := members(10000)
	parts, err := f.Split(1, Shares{Validation: 0.1, Test: 0.2})
	if err != nil {
		t.Fatal(err)
	}
	count := make(map[Part]int)
	for _, p := range parts {
		count[p]++
	}
	for part, want := range map[Part]int{Training: 7000, Validation: 1000, Test: 2000} {
		if got := count[part]; max(got, want)-min(got, want) > 200 {
			t.Errorf("%s has %d of 10000, want about %d", part, got, want)
		}
	}
	// The split of a run that goes on must stay.
	var first strings.Builder
	for _, p := range parts[:24] {
		fmt.Fprint(&first, uint8(p))
	}
	if want := "113111311111131331223111"; first.String() != want {
		t.Errorf("got %s, want %s", first.String(), want)
	}
	if got := Select([]Part{Test, Training, Unused, Test}, Test); !slices.Equal(got, []int{0, 3}) {
		t.Errorf("selected %v", got)
	}
	if half, _ := members(5000).Split(1, Shares{Validation: 0.1, Test: 0.2}); !slices.Equal(half, parts[:5000]) {
		t.Error("the split of a part changes when the set grows")
	}
	if other, _ := f.Split(2, Shares{Validation: 0.1, Test: 0.2}); slices.Equal(other, parts) {
		t.Error("another seed gives the same split")
	}
}

func TestSplitKeepsGroups(t *testing.T) {
	f := members(900)
	f.groups = 300
	for i := range f.Groups {
		f.Groups[i] = i % 300
	}
	f.Groups[7] = -1
	parts, err := f.Split(5, Shares{Validation: 0.3, Test: 0.3})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range parts {
		if i%300 != 7 && p != parts[i%300] || (i == 7) != (p == Unused) {
			t.Errorf("picture %d of group %d is in %s", i, i%300, p)
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	for _, shares := range []Shares{{0.5, 0.5}, {-0.1, 0}, {0, -0.1}, {math.NaN(), 0}, {0, 1}} {
		if _, err := members(1).Split(0, shares); err == nil {
			t.Errorf("shares %v were accepted", shares)
		}
	}
}

// words counts a token for each word, and the end.
type words struct{}

func (words) Count(text string) int { return len(strings.Fields(text)) + 1 }

func report(t testing.TB, set *data.Set, s stored, seed uint64, shares Shares) Report {
	t.Helper()
	f := inspect(t, set, s, Options{})
	parts, err := f.Split(seed, shares)
	if err != nil {
		t.Fatal(err)
	}
	return NewReport(set, f, parts, words{}, 4)
}

func TestReport(t *testing.T) {
	s := stored{"broken": []byte("GIF89a"), "silent": asPNG(t, scene(100, 40, 40))}
	var all []data.Record
	for i := range 24 {
		uri := fmt.Sprintf("picture %02d", i)
		s[uri] = asPNG(t, scene(uint64(i%22), 40, 40))
		item := ""
		if i < 6 {
			item = fmt.Sprint("item ", i/3)
		}
		all = append(all, record(uri, item, fmt.Sprintf("en:number %d", i), "de:eine sehr lange Beschreibung"))
	}
	all = append(all, record("silent", ""), record("broken", "", "en:lost"), data.Record{Picture: data.Picture{URI: "silent"}, Empty: 2, Place: data.Place{File: "f", Part: "line:3"}})
	for i := range 12 {
		all = append(all, record(fmt.Sprintf("missing %02d", i), "", ":lost"))
	}
	set := collect(t, all...)
	set.Problems = []data.Problem{{Place: data.Place{File: "f", Part: "line:2"}, Err: errors.New("it is not a JSON object")}}
	set.Pairs = append(set.Pairs, data.Pair{Picture: 0, Text: "unknown"})
	r := report(t, set, s, 3, Shares{Validation: 0.2})
	if err := r.Check(); err != nil {
		t.Errorf("got %v", err)
	}
	var text bytes.Buffer
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/report.txt", text.Bytes())
	object, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/report.json", append(object, '\n'))
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

func TestCheck(t *testing.T) {
	a, b := asPNG(t, scene(1, 40, 40)), asPNG(t, scene(2, 40, 40))
	s := stored{"a": a, "b": b, "c": a}
	for _, test := range []struct {
		name    string
		records []data.Record
		shares  Shares
		want    error
		text    string
	}{
		{"nothing", nil, Shares{}, ErrNoPairs, "0 records were read"},
		{"no texts", []data.Record{record("a", ""), record("b", "")}, Shares{}, ErrNoPairs, "2 records were read"},
		{"unreadable", []data.Record{record("x", "", "en:x"), record("y", "", "en:y")}, Shares{}, ErrUnreadable, "the first: x: file does not exist"},
		{"texts of the unreadable", []data.Record{record("x", "", "en:x"), record("a", "")}, Shares{}, ErrNoPairs, "none of the 1 readable"},
		{"one pair", []data.Record{record("a", "", "en:a")}, Shares{}, ErrTooFewPairs, "of 1 pairs the split leaves it 1"},
		{"split", []data.Record{record("a", "", "en:a"), record("b", "", "en:b")}, Shares{Validation: 0.999999}, ErrTooFewPairs, "leaves it 0"},
		{"one item", []data.Record{record("a", "x", "en:a"), record("b", "x", "en:b")}, Shares{}, ErrOneItem, "2 pairs"},
		{"one content", []data.Record{record("a", "", "en:a"), record("c", "", "en:b")}, Shares{}, ErrOneItem, "2 pairs"},
		{"enough", []data.Record{record("a", "", "en:a"), record("b", "", "en:b")}, Shares{}, nil, ""},
	} {
		err := report(t, collect(t, test.records...), s, 0, test.shares).Check()
		if !errors.Is(err, test.want) || test.want != nil && !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: got %v, want %v with %q", test.name, err, test.want, test.text)
		}
	}
}

func TestWarnings(t *testing.T) {
	s := stored{}
	var all []data.Record
	for i := range 60 {
		uri := fmt.Sprint(i)
		s[uri] = asJPEG(t, scene(uint64(max(i, 20)), 40, 40), 40+min(i, 20)) // the first look alike
		all = append(all, record(uri, "", "en:one"))
	}
	r := report(t, collect(t, all...), s, 0, Shares{Test: 0.2})
	want := []string{
		"all texts are in one language (en): search in others may get worse",
		"21 of 60 pictures look the same from afar and stay together: if they are not, compare files only",
		"nothing is left for validation",
	}
	if !reflect.DeepEqual(r.Warnings, want) {
		t.Errorf("got %q, want %q", r.Warnings, want)
	}
}

// ids is a tokenizer with an id for each byte.
type ids struct{ end, padding int64 }

func (e ids) Encode(text string, length int) []int64 {
	var found []int64
	for _, b := range []byte(text[:min(len(text), length-1)]) {
		found = append(found, int64(b))
	}
	found = append(found, e.end)
	for len(found) < length {
		found = append(found, e.padding)
	}
	return found
}

func TestCountWith(t *testing.T) {
	for _, e := range []ids{{1, 0}, {1, 1}} {
		for text, want := range map[string]int{"": 1, "abc": 4, "abcdefg": 8, "abcdefghi": 8} {
			if got := CountWith(e, 8).Count(text); got != want {
				t.Errorf("%+v, %q: got %d, want %d", e, text, got, want)
			}
		}
	}
}
