package bmp

import (
	"context"
	"image"
	"testing"

	"polylens/indexer/decode/raster/rastertest"
)

func FuzzDecode(f *testing.F) {
	rastertest.Fuzz(f, "../testdata/formats/*.bmp", DecodeConfig, Decode)
}

// Bitmaps of icons have no file header.
func FuzzDecodeIcon(f *testing.F) {
	withoutHeader := func(data []byte) []byte { return data[min(fileHeader, len(data)):] }
	config := func(data []byte) (image.Config, error) { return IconConfig(withoutHeader(data)) }
	decode := func(ctx context.Context, data []byte) (image.Image, error) {
		return DecodeIcon(ctx, withoutHeader(data))
	}
	rastertest.Fuzz(f, "../testdata/formats/*.bmp", config, decode)
}
