package decode

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"polylens/indexer/decode/bmp"
	"polylens/indexer/decode/pcx"
	"polylens/indexer/decode/pnm"
	"polylens/indexer/decode/tga"
	"polylens/indexer/decode/xbm"
)

// brandless is a container whose first bytes do not say what is in it.
const brandless = "HEIF"

// zeros is a file of nothing but zeros, as a copy that failed leaves behind.
const zeros = "zeros"

// text is that of which no more is known.
const text = "text"

// magics are the first bytes of formats; '?' stands for any byte. Those after
// the empty line are named only so that the error can say what the file is. The first
// that fits counts.
var magics = []struct{ magic, name string }{
	{"\xff\xd8\xff", "jpeg"},
	{"\x89PNG\r\n\x1a\n", "png"},
	{"GIF87a", "gif"},
	{"GIF89a", "gif"},
	{"RIFF????WEBP", "webp"},
	{"II*\x00", "tiff"},
	{"MM\x00*", "tiff"},
	{"II+\x00", "tiff"}, // BigTIFF
	{"MM\x00+", "tiff"},
	{"\x00\x00\x00\x0cjP  \r\n\x87\n", jpeg2000},
	{codestreamMagic, jpeg2000},
	{"8BPS", "psd"},
	{"qoif", "qoi"},
	{"\x01\xda\x00", "sgi"}, {"\x01\xda\x01", "sgi"},
	{"DDS ", "dds"},
	{"icns", icon},
	{"\x59\xa6\x6a\x95", "sun"},
	{"/* XPM */", "xpm"},

	{"????ftypheic", "heic"}, {"????ftypheix", "heic"}, {"????ftyphevc", "heic"}, {"????ftyphevx", "heic"},
	{"????ftypheim", "heic"}, {"????ftypheis", "heic"},
	{"????ftypavif", "avif"}, {"????ftypavis", "avif"},
	{"????ftypmif1", brandless}, {"????ftypmsf1", brandless}, {"????ftypmiaf", brandless}, {"????ftypMiHB", brandless}, {"????ftypMiHE", brandless},

	// Pictures.
	{"????ftypcrx ", "a camera's raw file (Canon CR3)"}, {"II\x1a\x00\x00\x00HEAPCCDR", "a camera's raw file (Canon CRW)"}, // see also tiff.CameraRaw
	{"FUJIFILMCCD-RAW", "a camera's raw file (Fujifilm RAF)"}, {"FOVb", "a camera's raw file (Sigma X3F)"}, {"\x00MRM", "a camera's raw file (Minolta MRW)"},
	{"\xff\x0a", "JPEG XL"}, {"\x00\x00\x00\x0cJXL ", "JPEG XL"},
	{"II\xbc\x01", "JPEG XR"},
	{"\x8aMNG", "an animation (MNG)"}, {"\x8bJNG", "JNG"},
	{"v/1\x01", "OpenEXR"}, {"#?RADIANCE", "Radiance HDR"}, {"#?RGBE", "Radiance HDR"}, {"SIMPLE  =", "FITS"},
	{"gimp xcf", "a GIMP file (XCF)"}, {"AT&TFORM", "DjVu"}, {"FORM????ILBM", "an Amiga picture (ILBM)"},
	{"\xd7\xcd\xc6\x9a", "Windows Metafile"}, {"BPG\xfb", "BPG"}, {"FLIF", "FLIF"}, {"P7 332", "a thumbnail of XV"},
	{"\xabKTX ", "a texture (KTX)"}, {"farbfeld", "farbfeld"}, {"BLP1", "a texture (BLP)"}, {"BLP2", "a texture (BLP)"}, {"FTEX", "a texture (FTEX)"},
	{"\xb1\x68\xde\x3a", "several PCX pictures (DCX)"}, {"DanM", "Windows Paint (MSP)"}, {"LinS", "Windows Paint (MSP)"}, {"\x80\xe8\x00\x00", "PIXAR"},
	{"????\x11\xaf", "an animation (FLI)"}, {"????\x12\xaf", "an animation (FLC)"}, {"Image type: ", "an IFUNC picture (IM)"}, {"GRIB", "weather data (GRIB)"},
	{"\x89HDF", "HDF5"},

	// Videos and sound.
	{"????ftypM4A", "sound"}, {"????ftypqt", "a video"}, {"????ftyp", "a video"},
	{"????moov", "a video"}, {"????mdat", "a video"}, {"????wide", "a video"}, {"\x1aE\xdf\xa3", "a video"}, {"RIFF????AVI ", "a video"},
	{"\x00\x00\x01\xba", "a video"}, {"\x00\x00\x01\xb3", "a video"}, {"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a video"}, {"FLV\x01", "a video"},
	{"OggS", "a video or sound"}, {"ID3", "sound"}, {"RIFF????WAVE", "sound"}, {"fLaC", "sound"},

	// Documents and archives.
	{"%PDF", "PDF"}, {"%!PS", "PostScript"}, {"\xc5\xd0\xd3\xc6", "PostScript"},
	{"PK\x03\x04", "a zip archive"}, {"PK\x05\x06", "a zip archive"}, {"\x1f\x8b", "a gzip file"}, {"BZh", "a bzip2 file"}, {"\xfd7zXZ", "an xz file"},
	{"\x28\xb5\x2f\xfd", "a zstd file"}, {"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"}, {"Rar!", "a RAR archive"},
	{"\x00\x05\x16\x07", "a resource fork (AppleDouble)"}, {"\x00\x05\x16\x00", "a resource fork (AppleSingle)"},
	{"SQLite format 3\x00", "a database"}, {"\xd0\xcf\x11\xe0", "a database of thumbnails, or an Office document"}, {"\x7fELF", "a program"}, {"MZ", "a program"},
}

// written are the first bytes of text, without regard to case.
var written = []struct{ magic, name string }{
	{"<svg", "SVG"}, {"<!doctype svg", "SVG"}, {"<!doctype", "a web page"}, {"<html", "a web page"}, {"<head", "a web page"}, {"<body", "a web page"},
	{"<x:xmpmeta", "an XMP sidecar"}, {"<?xpacket", "an XMP sidecar"}, {"<?xml", "XML or SVG"}, {"{\\rtf", "an RTF document"}, {"{", "JSON"}, {"[", "JSON or a list of settings"},
	{"", text},
}

// shaped are formats that no fixed bytes tell.
var shaped = []struct {
	name string
	is   func([]byte) bool
}{{"bmp", bmp.Is}, {"pnm", pnm.Is}, {"pcx", pcx.Is}, {"ico", iconOf(1)}, {"cur", iconOf(2)}, {"tga", tga.Is}, {"xbm", xbm.Is}}

// iconOf is for the icons of a type that have at least one picture.
func iconOf(kind byte) func([]byte) bool {
	return func(data []byte) bool {
		return hasMagic(data, "\x00\x00"+string(rune(kind))+"\x00") && len(data) >= 6 && data[4]|data[5] != 0
	}
}

// sniff names the format by the first bytes, and says how many stand before it. "" is
// unknown.
func sniff(data []byte) (name string, before int) {
	for _, m := range magics {
		if hasMagic(data, m.magic) {
			if m.name == brandless {
				return compatible(data), 0
			}
			return m.name, 0
		}
	}
	for _, s := range shaped {
		if s.is(data) {
			return s.name, 0
		}
	}
	if at := leading(data); at > 0 {
		return "jpeg", at
	}
	return unpictured(data), 0
}

// leading is where a JPEG begins behind a few other bytes, as careless downloads have
// them; 0 if there is none.
func leading(data []byte) int {
	const most = 1 << 10
	head := data[:min(len(data), most)]
	for _, start := range []string{"\xff\xd8\xff\xe0", "\xff\xd8\xff\xe1", "\xff\xd8\xff\xdb", "\xff\xd8\xff\xee", "\xff\xd8\xff\xe2", "\xff\xd8\xff\xfe"} {
		if at := bytes.Index(head, []byte(start)); at > 0 {
			return at
		}
	}
	return 0
}

// unpictured names what is no picture: text of several kinds, an archive, nothing.
func unpictured(data []byte) string {
	const tarMagic, photoCD = 257, 2048
	switch {
	case len(bytes.Trim(data, "\x00")) == 0:
		return zeros
	case len(data) > tarMagic+5 && string(data[tarMagic:tarMagic+5]) == "ustar":
		return "a tar archive"
	case len(data) > 132 && string(data[128:132]) == "DICM":
		return "DICOM"
	case len(data) > photoCD+7 && string(data[photoCD:photoCD+7]) == "PCD_IPI":
		return "PhotoCD"
	case len(data) > 24 && string(data[20:24]) == "GIMP":
		return "a brush of GIMP"
	case len(data) > 44 && string(data[40:44]) == " EMF":
		return "Windows Metafile"
	}
	head := data[:min(len(data), SniffLength)]
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return "text (UTF-16)"
	}
	if !isText(head, len(head) == SniffLength) {
		return ""
	}
	head = bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))))
	for _, w := range written {
		if bytes.HasPrefix(head, []byte(w.magic)) {
			return w.name
		}
	}
	return ""
}

// isText reports whether all bytes are UTF-8 without control characters. cut says that
// the last character may be.
func isText(head []byte, cut bool) bool {
	for len(head) > 0 {
		r, size := utf8.DecodeRune(head)
		if r == utf8.RuneError && size == 1 {
			return cut && !utf8.FullRune(head)
		}
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f' || r == 0x7F {
			return false
		}
		head = head[size:]
	}
	return true
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
