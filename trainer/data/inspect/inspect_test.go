package inspect

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/draw"

	"polylens/indexer/decode"
	"polylens/trainer/data"
)

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
