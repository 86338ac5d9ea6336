package xpm

import (
	"testing"

	"polylens/indexer/decode/raster/rastertest"
)

func FuzzDecode(f *testing.F) {
	rastertest.Fuzz(f, "../testdata/formats/*.xpm", DecodeConfig, Decode)
}
