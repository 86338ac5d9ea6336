package data

import (
	"bytes"
	"image"
	"image/png"
	"testing"
	"time"

	"polylens/indexer/decode"
)

// A training waits for memory as long as others hold it.
func TestDecodeWaitsForMemory(t *testing.T) {
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	var decoder decode.Decoder
	limits := decode.Limits{Budget: decode.NewBudget(1), Timeout: time.Minute} // of which a picture takes all
	holder, err := decoder.Decode(t.Context(), decode.NewContent("holder", file.Bytes()), nil, limits)
	if err != nil {
		t.Fatal(err)
	}
	limits.Timeout = time.Second
	time.AfterFunc(1500*time.Millisecond, holder.Release)
	if _, err := DecodeWith(&decoder, limits).Decode(t.Context(), "a", file.Bytes(), nil); err != nil {
		t.Error(err)
	}
}
