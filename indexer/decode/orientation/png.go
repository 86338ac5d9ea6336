package orientation

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"io"
)

// Bounds of what compressed texts of a PNG may unfold to: those after them say nothing.
const (
	mostText  = 4 << 20  // one of them
	mostTexts = 16 << 20 // all of a picture
)

// PNG adds a chunk: eXIf, or one of text with XMP or with a raw profile as ImageMagick
// and others write it. Other chunks say nothing.
func (e *Evidence) PNG(kind string, content []byte) {
	if kind == "eXIf" {
		e.EXIF(content)
		return
	}
	keyword, text, ok := bytes.Cut(content, []byte{0})
	if !ok || !isText[kind] || !ofInterest[string(keyword)] {
		return
	}
	text = e.textOf(kind, text)
	switch string(keyword) {
	case "XML:com.adobe.xmp":
		e.XMP(text)
	case "Raw profile type xmp":
		e.profileXMP = rawProfile(text)
	default:
		e.rawEXIF(rawProfile(text))
	}
}

var isText = map[string]bool{"tEXt": true, "zTXt": true, "iTXt": true}

var ofInterest = map[string]bool{
	"XML:com.adobe.xmp": true, "Raw profile type xmp": true,
	"Raw profile type exif": true, "Raw profile type APP1": true, "Raw profile type app1": true,
}

// rawEXIF takes the contents of an APP1 segment.
func (e *Evidence) rawEXIF(profile []byte) {
	if bytes.HasPrefix(profile, xmpHeader) {
		e.profileXMP = profile[len(xmpHeader):]
		return
	}
	if e.profile == nil {
		e.profile = withoutHeader(profile)
	}
}

// textOf is the text after the keyword; nil if it is not whole.
func (e *Evidence) textOf(kind string, text []byte) []byte {
	switch kind {
	case "zTXt":
		if len(text) < 1 {
			return nil
		}
		return e.inflated(text[1:])
	case "iTXt":
		if len(text) < 2 {
			return nil
		}
		compressed, rest := text[0] != 0, text[2:]
		_, rest, _ = bytes.Cut(rest, []byte{0}) // language
		_, rest, _ = bytes.Cut(rest, []byte{0}) // the keyword in it
		if compressed {
			return e.inflated(rest)
		}
		return rest
	}
	return text
}

func (e *Evidence) inflated(data []byte) []byte {
	if e.unfolded >= mostTexts {
		return nil
	}
	r, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	text, _ := io.ReadAll(io.LimitReader(r, mostText)) // as far as it goes
	e.unfolded += len(text)
	return text
}

// rawProfile is the content of a raw profile: an empty line, its name, its length in
// decimal, and its bytes in hexadecimal on lines of 72.
func rawProfile(text []byte) []byte {
	lines := bytes.SplitN(bytes.TrimLeft(text, "\n"), []byte("\n"), 3)
	if len(lines) < 3 {
		return nil
	}
	digits := bytes.Join(bytes.Fields(lines[2]), nil)
	profile := make([]byte, hex.DecodedLen(len(digits)))
	n, _ := hex.Decode(profile, digits) // up to what is no digit
	return profile[:n]
}
