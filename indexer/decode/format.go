package decode

import (
	"context"
	"image"
	"image/jpeg"
	"io"
	"strings"

	"polylens/indexer/decode/bmp"
	"polylens/indexer/decode/dds"
	"polylens/indexer/decode/gif"
	"polylens/indexer/decode/pcx"
	"polylens/indexer/decode/pnm"
	"polylens/indexer/decode/psd"
	"polylens/indexer/decode/qoi"
	"polylens/indexer/decode/sgi"
	"polylens/indexer/decode/sun"
	"polylens/indexer/decode/tga"
	"polylens/indexer/decode/tiff"
	"polylens/indexer/decode/xbm"
	"polylens/indexer/decode/xpm"
)

// codec is a format that can be read.
type codec struct {
	name   string
	title  string // for messages; formats of one title are named once
	config func(t task) (image.Config, error)
	decode func(t task) (image.Image, error)
}

var codecs = []codec{
	{"jpeg", "JPEG", jpegConfig, streamed(jpeg.Decode)},
	{"png", "PNG", pngConfig, decodePNG},
	{"gif", "GIF", atOnce(gif.DecodeConfig), asFar(gif.Decode)},
	{"webp", "WebP", webpConfig, decodeWebP},
	{"bmp", "BMP", atOnce(bmp.DecodeConfig), asFar(bmp.Decode)},
	{"tiff", "TIFF", tiffConfig, decodeTIFF},
	{"heic", "HEIC", containerConfig, decodeHEIC},
	{"avif", "AVIF", containerConfig, decodeAVIF},
	{jpeg2000, "JPEG 2000", jpeg2000Config, nil}, // see runJPEG2000
	{"psd", "PSD", atOnce(psd.DecodeConfig), asFar(psd.Decode)},
	{"ico", "ICO", iconConfig, decodeIcon},
	{"cur", "ICO", iconConfig, decodeIcon},
	{"pnm", "PNM", atOnce(pnm.DecodeConfig), asFar(pnm.Decode)},
	{"qoi", "QOI", atOnce(qoi.DecodeConfig), asFar(qoi.Decode)},
	{"tga", "TGA", atOnce(tga.DecodeConfig), asFar(tga.Decode)},
	{"pcx", "PCX", atOnce(pcx.DecodeConfig), asFar(pcx.Decode)},
	{"sgi", "SGI", atOnce(sgi.DecodeConfig), asFar(sgi.Decode)},
	{"dds", "DDS", atOnce(dds.DecodeConfig), asFar(dds.Decode)},
	{icon, "ICNS", nil, nil}, // see inside
	{"sun", "Sun raster", atOnce(sun.DecodeConfig), asFar(sun.Decode)},
	{"xbm", "XBM", atOnce(xbm.DecodeConfig), asFar(xbm.Decode)},
	{"xpm", "XPM", atOnce(xpm.DecodeConfig), asFar(xpm.Decode)},
}

// streamed is a function that reads from a stream.
func streamed[T any](read func(io.Reader) (T, error)) func(task) (T, error) {
	return func(t task) (T, error) { return read(reader(t.ctx, t.data)) }
}

// atOnce is a function that reads all data.
func atOnce[T any](read func([]byte) (T, error)) func(task) (T, error) {
	return func(t task) (T, error) { return read(t.data) }
}

// asFar is a function whose picture may come with *raster.Incomplete.
func asFar(read func(context.Context, []byte) (image.Image, error)) func(task) (image.Image, error) {
	return func(t task) (image.Image, error) { return t.inPart(read(t.ctx, t.data)) }
}

// find returns the codec for the content, and how many bytes stand before it.
func find(data []byte) (found codec, before int, err error) {
	if len(data) == 0 {
		return codec{}, 0, faultf(Empty, "it has no bytes")
	}
	if raw := tiff.CameraRaw(data); raw != "" {
		return codec{}, 0, faultf(UnknownFormat, "it looks like a camera's raw file (%s)", raw)
	}
	name, before := sniff(data)
	for _, c := range codecs {
		if c.name == name {
			return c, before, nil
		}
	}
	switch {
	case name == zeros:
		return codec{}, 0, faultf(Empty, "all its bytes are zero")
	case name == text:
		return codec{}, 0, faultf(UnknownFormat, "it looks like text: %q", strings.ToValidUTF8(string(data[:min(len(data), 24)]), "…"))
	case name != "":
		return codec{}, 0, faultf(UnknownFormat, "it looks like %s", name)
	}
	return codec{}, 0, faultf(UnknownFormat, "its first bytes, % x, are of no format that is known", data[:min(len(data), 4)])
}
