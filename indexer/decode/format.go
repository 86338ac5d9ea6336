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
	{"jpeg", streamed(jpeg.DecodeConfig), streamed(jpeg.Decode)},
	{"png", streamed(png.DecodeConfig), streamed(png.Decode)},
	{"gif", streamed(gif.DecodeConfig), streamed(gif.Decode)},
	{"webp", webpConfig, decodeWebP},
	{"bmp", streamed(bmp.DecodeConfig), streamed(bmp.Decode)},
	{"tiff", tiffConfig, decodeTIFF},
	{"heic", containerConfig, decodeHEIC},
	{"avif", containerConfig, decodeAVIF},
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
	{"II*\x00????CR", "a camera's raw file"}, // TIFF, too
	{"II*\x00", "tiff"},
	{"MM\x00*", "tiff"},
	{"II+\x00", "tiff"}, // BigTIFF
	{"MM\x00+", "tiff"},

	{"????ftypheic", "heic"}, {"????ftypheix", "heic"}, {"????ftyphevc", "heic"}, {"????ftyphevx", "heic"},
	{"????ftypheim", "heic"}, {"????ftypheis", "heic"},
	{"????ftypavif", "avif"}, {"????ftypavis", "avif"},
	{"????ftypmif1", brandless}, {"????ftypmsf1", brandless},

	{"????ftypcrx ", "a camera's raw file"}, {"????ftypM4A ", "audio"}, {"????ftypM4B ", "audio"},
	{"????ftyp", "a video"},
	{"\xff\x0a", "JPEG XL"}, {"\x00\x00\x00\x0cJXL ", "JPEG XL"}, {"\x00\x00\x00\x0cjP  ", "JPEG 2000"},
	{"8BPS", "a Photoshop file"}, {"%PDF", "PDF"}, {"%!PS", "PostScript"},
	{"\x00\x00\x01\x00", "an icon (ICO)"}, {"<svg", "SVG"}, {"<?xml", "XML or SVG"}, {"<!DOCTYPE", "a web page"}, {"<html", "a web page"},
	{"PK\x03\x04", "a zip archive"}, {"\x1f\x8b", "a gzip file"},
	{"FUJIFILMCCD-RAW", "a camera's raw file"}, {"IIRO", "a camera's raw file"}, {"IIRS", "a camera's raw file"},
	{"MMOR", "a camera's raw file"}, {"IIU\x00", "a camera's raw file"}, {"FOVb", "a camera's raw file"},
	{"\x00MRM", "a camera's raw file"},
	{"RIFF????AVI ", "a video"}, {"\x1aE\xdf\xa3", "a video"}, {"\x00\x00\x01\xba", "a video"}, {"\x00\x00\x01\xb3", "a video"},
	{"????moov", "a video"}, {"????mdat", "a video"}, {"????wide", "a video"}, {"????free", "a video"}, {"FLV\x01", "a video"},
	{"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a video"},
	{"RIFF????WAVE", "audio"}, {"ID3", "audio"}, {"fLaC", "audio"}, {"OggS", "audio"},
	{"\x00\x05\x16\x07", "a resource fork"}, {"\x00\x05\x16\x00", "a resource fork"},
	{"SQLite format 3\x00", "a database"}, {"7z\xbc\xaf\x27\x1c", "a 7z archive"}, {"Rar!\x1a\x07", "a RAR archive"},
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
