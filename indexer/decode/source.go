package decode

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"

	"polylens/indexer/decode/color"
	"polylens/indexer/decode/isobmff"
	"polylens/indexer/decode/psd"
	"polylens/indexer/decode/tiff"
)

// readSource reads what a file says of its colours.
func readSource(format string, data []byte) (color.Source, error) {
	var profile string
	var err error
	switch format {
	case "jpeg":
		profile, err = jpegProfile(data)
	case "png":
		return pngSource(data)
	case "webp":
		profile = webpProfile(data)
	case "tiff":
		profile = tiffProfile(data)
	case "psd":
		profile = string(psd.Profile(data))
	case "gif":
		profile = gifProfile(data)
	case "heic", "avif":
		return containerSource(data), nil
	}
	return color.Source{Profile: profile}, err
}

// containerSource is zero where the container cannot be read, which others judge.
func containerSource(data []byte) color.Source {
	p, err := isobmff.Read(data)
	if err != nil {
		return color.Source{}
	}
	if p.Profile != "" {
		return color.Source{Profile: p.Profile}
	}
	return color.Source{Primaries: p.Primaries, Transfer: p.Transfer}
}

var errPartMissing = errors.New("a part of its profile is missing")

// jpegProfile puts together the profile of a JPEG (ISO 15076-1, B.4): parts with
// numbers from 1, in any order, each with how many there are.
func jpegProfile(data []byte) (string, error) {
	const app2 = 0xE2
	name := []byte("ICC_PROFILE\x00")
	var parts [][]byte
	for marker, segment := range jpegSegments(data) {
		if part, ok := bytes.CutPrefix(segment, name); ok && marker == app2 && len(part) >= 2 {
			parts = append(parts, part)
		}
	}
	slices.SortStableFunc(parts, func(a, b []byte) int { return int(a[0]) - int(b[0]) })
	for i, part := range parts {
		if int(part[0]) != i+1 || int(part[1]) != len(parts) {
			return "", errPartMissing
		}
		parts[i] = part[2:]
	}
	return string(slices.Concat(parts...)), nil
}

// jpegSegments goes over the segments before the first scan.
func jpegSegments(data []byte) iter.Seq2[byte, []byte] {
	const sos = 0xDA
	return func(yield func(byte, []byte) bool) {
		for pos := 2; pos+4 <= len(data) && data[pos] == 0xFF; {
			marker := data[pos+1]
			if marker == 0xFF { // a fill byte
				pos++
				continue
			}
			if marker >= 0xD0 && marker <= 0xD8 { // without length
				pos += 2
				continue
			}
			end := pos + 2 + int(binary.BigEndian.Uint16(data[pos+2:]))
			if marker == sos || end < pos+4 || end > len(data) || !yield(marker, data[pos+4:end]) {
				return
			}
			pos = end
		}
	}
}

func webpProfile(data []byte) string {
	for chunks := data[min(webpRIFF, len(data)):]; ; {
		name, content, rest := nextChunk(chunks)
		if name == "ICCP" {
			return string(content)
		}
		if name == "" || name == webpFrame || name == webpLossy || name == webpLossless {
			return ""
		}
		chunks = rest
	}
}

// tiffProfile is empty where the header cannot be read, which others judge.
func tiffProfile(data []byte) string {
	h, err := tiff.ReadHeader(data)
	if err != nil {
		return ""
	}
	return string(h.ICCProfile)
}

// gifProfile reads the application extension ICCRGBG1 before the first frame.
func gifProfile(data []byte) string {
	const head, extension, application = 13, 0x21, 0xFF
	name := []byte("\x0bICCRGBG1012")
	if len(data) < head {
		return ""
	}
	pos := head
	if flags := data[10]; flags&0x80 != 0 {
		pos += 3 << (flags&7 + 1)
	}
	for pos+2 < len(data) && data[pos] == extension {
		found := data[pos+1] == application && bytes.HasPrefix(data[pos+2:], name)
		content, end := gifBlocks(data, pos+2)
		if found {
			return string(content[len(name)-1:])
		}
		pos = end
	}
	return ""
}

// gifBlocks puts together the blocks from a position up to the empty one.
func gifBlocks(data []byte, pos int) (content []byte, end int) {
	for pos < len(data) && data[pos] != 0 {
		next := min(pos+1+int(data[pos]), len(data))
		content = append(content, data[pos+1:next]...)
		pos = next
	}
	return content, pos + 1
}

// tooLong is the error about a profile that unpacks to more than may be read.
func tooLong() error {
	return fmt.Errorf("its profile has more than %d bytes", color.MostProfile)
}
