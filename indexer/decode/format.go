package decode

import (
	"encoding/binary"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/bmp"

	"polylens/indexer/decode/tiff"
)

// codec is a format that can be read.
type codec struct {
	name   string
	config func(t task) (image.Config, error)
	decode func(t task) (image.Image, error)
}

var codecs = []codec{
	{"jpeg", jpegConfig, streamed(jpeg.Decode)},
	{"png", streamed(png.DecodeConfig), streamed(png.Decode)},
	{"gif", streamed(gif.DecodeConfig), streamed(gif.Decode)},
	{"webp", webpConfig, decodeWebP},
	{"bmp", streamed(bmp.DecodeConfig), streamed(bmp.Decode)},
	{"tiff", tiffConfig, decodeTIFF},
	{"heic", containerConfig, decodeHEIC},
	{"avif", containerConfig, decodeAVIF},
	{jpeg2000, jpeg2000Config, nil}, // see runJPEG2000
}

// streamed is a function that reads from a stream.
func streamed[T any](read func(io.Reader) (T, error)) func(task) (T, error) {
	return func(t task) (T, error) { return read(reader(t.ctx, t.data)) }
}

// brandless is a container whose first bytes do not say what is in it.
const brandless = "HEIF"

// magics are the first bytes of formats; '?' stands for any byte. Those after
// the empty line are named only so that the error can say what the file is.
var magics = []struct{ magic, name string }{
	{"\xff\xd8\xff", "jpeg"},
	{"\x89PNG\r\n\x1a\n", "png"},
	{"GIF87a", "gif"},
	{"GIF89a", "gif"},
	{"RIFF????WEBP", "webp"},
	{"BM", "bmp"},
	{"II*\x00", "tiff"},
	{"MM\x00*", "tiff"},
	{"II+\x00", "tiff"}, // BigTIFF
	{"MM\x00+", "tiff"},
	{"\x00\x00\x00\x0cjP  \r\n\x87\n", jpeg2000},
	{codestreamMagic, jpeg2000},

	{"????ftypheic", "heic"}, {"????ftypheix", "heic"}, {"????ftyphevc", "heic"}, {"????ftyphevx", "heic"},
	{"????ftypheim", "heic"}, {"????ftypheis", "heic"},
	{"????ftypavif", "avif"}, {"????ftypavis", "avif"},
	{"????ftypmif1", brandless}, {"????ftypmsf1", brandless},

	{"????ftyp", "a video"},
	{"\xff\x0a", "JPEG XL"}, {"\x00\x00\x00\x0cJXL ", "JPEG XL"},
	{"8BPS", "a Photoshop file"}, {"%PDF", "PDF"}, {"%!PS", "PostScript"},
	{"\x00\x00\x01\x00", "an icon (ICO)"}, {"<svg", "SVG"}, {"<?xml", "XML or SVG"}, {"<!DOCTYPE", "a web page"}, {"<html", "a web page"},
	{"PK\x03\x04", "a zip archive"}, {"\x1f\x8b", "a gzip file"},
}

// sniff names the format by the first bytes; "" is unknown.
func sniff(data []byte) string {
	for _, m := range magics {
		if hasMagic(data, m.magic) {
			if m.name == brandless {
				return compatible(data)
			}
			return m.name
		}
	}
	return ""
}

// compatible looks for HEIC or AVIF among the compatible brands of a container.
func compatible(data []byte) string {
	size := min(int64(binary.BigEndian.Uint32(data)), int64(len(data)))
	for at := int64(16); at+4 <= size; at += 4 {
		switch string(data[at : at+4]) {
		case "heic", "heix", "hevc", "hevx", "heim", "heis":
			return "heic"
		case "avif", "avis":
			return "avif"
		}
	}
	return brandless
}

func hasMagic(data []byte, magic string) bool {
	if len(data) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '?' && magic[i] != data[i] {
			return false
		}
	}
	return true
}

// find returns the codec for the content.
func find(data []byte) (codec, error) {
	if len(data) == 0 {
		return codec{}, faultf(Empty, "it has no bytes")
	}
	if raw := tiff.CameraRaw(data); raw != "" {
		return codec{}, faultf(UnknownFormat, "it looks like a camera's raw file (%s)", raw)
	}
	name := sniff(data)
	for _, c := range codecs {
		if c.name == name {
			return c, nil
		}
	}
	if name != "" {
		return codec{}, faultf(UnknownFormat, "it looks like %s", name)
	}
	return codec{}, faultf(UnknownFormat, "it begins with %q", data[:min(len(data), 12)])
}
