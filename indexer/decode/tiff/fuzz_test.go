package tiff

import (
	"context"
	"errors"
	"image"
	"testing"
	"time"
)

// FuzzDecode checks that a picture is as large as its header says, that decoding stays
// within the memory that it says, and that damage comes with a warning or an error of
// this package.
func FuzzDecode(f *testing.F) {
	for _, file := range readReference(f).Files {
		f.Add(fixture(f, file.Name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		CameraRaw(data)
		h, err := ReadHeader(data)
		if err != nil {
			checkError(t, err)
			return
		}
		const mostPixels, mostMemory = 1 << 20, 64 << 20
		if h.Memory > mostMemory || int64(h.Width)*int64(h.Height) > mostPixels {
			return
		}
		if h.Orientation < 1 || h.Orientation > 8 {
			t.Fatalf("orientation %d", h.Orientation)
		}
		const enough = time.Second
		ctx, cancel := context.WithTimeout(t.Context(), enough)
		defer cancel()
		start := time.Now()
		var img image.Image
		used := allocated(func() { img, _, err = Decode(ctx, data, testCodecs) })
		if d := time.Since(start); d > 5*enough {
			t.Fatalf("it takes %v", d)
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return
		}
		if p, _ := readPage(data); p.grid.across*p.grid.down*p.planes < fewSegments && used > h.Memory+slackOfFuzzer {
			t.Fatalf("%d bytes are allocated, the header says %d", used, h.Memory)
		}
		if err != nil {
			checkError(t, err)
			return
		}
		if b := img.Bounds(); b.Min.X != 0 || b.Min.Y != 0 || b.Dx() != h.Width || b.Dy() != h.Height {
			t.Fatalf("bounds %v, header %+v", b, h)
		}
		img.At(h.Width-1, h.Height-1)
	})
}

// fewSegments are so few that what each leaves to the garbage collector does not count.
const fewSegments = 8

// slackOfFuzzer is what the fuzzer itself may allocate meanwhile.
const slackOfFuzzer = 8 << 20

func checkError(t *testing.T, err error) {
	t.Helper()
	var format FormatError
	var unsupported UnsupportedError
	if !errors.As(err, &format) && !errors.As(err, &unsupported) {
		t.Fatalf("%T: %v", err, err)
	}
}
