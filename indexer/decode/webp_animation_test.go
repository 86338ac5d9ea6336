package decode

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"os"
	"slices"
	"testing"
)

// moving wraps a still WebP of lossless or lossy pixels as the first frame of an
// animated one.
func moving(still []byte, canvas image.Point, place image.Rectangle) []byte {
	u24 := func(v int) []byte { return []byte{byte(v), byte(v >> 8), byte(v >> 16)} }
	frame := slices.Concat(u24(place.Min.X/2), u24(place.Min.Y/2), u24(place.Dx()-1), u24(place.Dy()-1), u24(100), []byte{0}, still[webpRIFF:])
	body := appendChunk(nil, webpExtended, slices.Concat([]byte{webpIsMoving, 0, 0, 0}, u24(canvas.X-1), u24(canvas.Y-1)))
	body = appendChunk(body, "ANIM", make([]byte, 6))
	body = appendChunk(body, webpFrame, frame)
	return slices.Concat([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, uint32(4+len(body))), []byte("WEBP"), body)
}

// A first frame is placed on the canvas, around which nothing is seen.
func TestFirstFrameOnCanvas(t *testing.T) {
	still, err := os.ReadFile("testdata/odd.webp")
	if err != nil {
		t.Fatal(err)
	}
	frame, _, err := Bytes(t.Context(), "still", still, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	size := frame.Bounds().Size()
	for _, at := range []image.Point{{}, {4, 2}, {10, 30}} {
		place := image.Rectangle{at, at.Add(size)}
		img, info, err := Bytes(t.Context(), "moving", moving(still, image.Pt(50, 60), place), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if img.Bounds() != image.Rect(0, 0, 50, 60) || info.Width != 50 || info.Height != 60 {
			t.Errorf("%v, %+v", img.Bounds(), info)
		}
		for y := range 60 {
			for x := range 50 {
				want := color.NRGBA{}
				if p := image.Pt(x, y); p.In(place) {
					want = color.NRGBAModel.Convert(frame.At(x-at.X, y-at.Y)).(color.NRGBA)
				}
				if got := color.NRGBAModel.Convert(img.At(x, y)); got != want {
					t.Fatalf("at %v: pixel %d, %d is %v, want %v", at, x, y, got, want)
				}
			}
		}
	}
}

func TestBadAnimations(t *testing.T) {
	still, err := os.ReadFile("testdata/odd.webp") // 23 x 15
	if err != nil {
		t.Fatal(err)
	}
	canvas, place := image.Pt(40, 40), image.Rect(2, 2, 25, 17)
	good := moving(still, canvas, place)
	frame := bytes.Index(good, []byte(webpFrame))
	for name, tt := range map[string]struct {
		data []byte
		want Reason
	}{
		"no frame":                     {good[:frame], Corrupt},
		"a header alone":               {good[:webpRIFF+webpChunkHead+1], Corrupt},
		"cut off in the first frame":   {good[:frame+30], Corrupt},
		"a frame without pixels":       {moving(still[:webpRIFF], canvas, place), Corrupt},
		"pixels of another size":       {moving(still, canvas, image.Rect(2, 2, 24, 17)), Corrupt},
		"a frame outside":              {moving(still, canvas, image.Rect(20, 2, 43, 17)), Corrupt},
		"a canvas that is too large":   {moving(still, image.Pt(1<<24, 1<<24), place), TooManyPixels},
		"a canvas with too many bytes": {moving(still, image.Pt(10000, 10000), place), TooManyPixels},
	} {
		_, _, err := Bytes(t.Context(), name, tt.data, Limits{})
		var e *Error
		if !errors.As(err, &e) || e.Reason != tt.want {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	if _, _, err := Bytes(t.Context(), "good", good, Limits{}); err != nil {
		t.Error(err)
	}
}

func FuzzAnimatedWebP(f *testing.F) {
	for _, name := range []string{"animated.webp", "animated_alpha.webp", "odd.webp"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if name, _ := sniff(data); name != "webp" || !animatedWebP(data) {
			return
		}
		img, info, err := Bytes(t.Context(), "fuzz", data, Limits{MaxPixels: 1 << 20})
		if err == nil && img.Bounds() != image.Rect(0, 0, info.Width, info.Height) {
			t.Fatalf("%v, %+v", img.Bounds(), info)
		}
	})
}
