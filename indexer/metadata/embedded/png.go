package embedded

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"polylens/indexer/metadata"
	"polylens/indexer/metadata/exif"
	"polylens/indexer/metadata/xmp"
)

// png walks over the chunks, of which those with metadata may stand before or after
// the pixels.
func (b *blocks) png(data []byte) {
	for at := 8; at+8 <= len(data); {
		size := uint64(binary.BigEndian.Uint32(data[at:]))
		kind := string(data[at+4 : at+8])
		rest := data[at+8:]
		if size+4 > uint64(len(rest)) || kind == "IEND" {
			return
		}
		content := rest[:size]
		switch kind {
		case "eXIf":
			b.exif = exif.Trim(content)
		case "tEXt", "zTXt", "iTXt":
			if err := b.pngText(kind, content); err != nil {
				b.own.WarnOnce("a text of it is left out: %v", err)
			}
		}
		at += 12 + int(size)
	}
}

// pngText reads a text chunk: a keyword, then by kind how and in which language.
func (b *blocks) pngText(kind string, content []byte) error {
	keyword, content, ok := bytes.Cut(content, []byte{0})
	if !ok || !wanted(string(keyword)) {
		return nil
	}
	if len(content) > mostText {
		return fmt.Errorf("%s: it has %d bytes, at most %d are read", keyword, len(content), mostText)
	}
	language, compressed := "", false
	switch kind {
	case "zTXt":
		compressed = true
		content = content[min(1, len(content)):] // method 0
	case "iTXt":
		if len(content) < 2 {
			return errors.New("it is cut off")
		}
		compressed = content[0] == 1
		tag, rest, _ := bytes.Cut(content[2:], []byte{0})
		_, content, _ = bytes.Cut(rest, []byte{0}) // the keyword in that language
		language = string(tag)
	}
	if compressed {
		var err error
		if content, err = b.inflate(content); err != nil {
			return fmt.Errorf("%s: %w", keyword, err)
		}
	}
	return b.takePNGText(string(keyword), language, content)
}

func wanted(keyword string) bool {
	switch keyword {
	case "XML:com.adobe.xmp", "Title", "Description", "Author", "Copyright", "Creation Time":
		return true
	}
	return isRawProfile(keyword)
}

func isRawProfile(keyword string) bool {
	switch keyword {
	case "Raw profile type exif", "Raw profile type APP1", "Raw profile type xmp", "Raw profile type iptc", "Raw profile type 8bim":
		return true
	}
	return false
}

func (b *blocks) takePNGText(keyword, language string, content []byte) error {
	switch keyword {
	case "XML:com.adobe.xmp":
		b.addXMP(content)
	case "Title", "Description":
		b.own.AddCaption(language, metadata.Decode(content))
	case "Author":
		b.own.SetText(metadata.Creator, metadata.Decode(content))
	case "Copyright":
		b.own.SetText(metadata.Copyright, metadata.Decode(content))
	case "Creation Time":
		b.own.SetText(metadata.Taken, metadata.Moment(metadata.Decode(content)))
	default:
		return b.rawProfile(keyword, content)
	}
	return nil
}

// rawProfile is a block in hexadecimal digits, as ImageMagick writes it: a line with
// its kind, one with its length, the digits.
func (b *blocks) rawProfile(keyword string, content []byte) error {
	lines := bytes.SplitN(bytes.TrimLeft(content, "\n"), []byte("\n"), 3)
	if len(lines) < 3 {
		return fmt.Errorf("%s: it is cut off", keyword)
	}
	digits := bytes.ReplaceAll(bytes.ReplaceAll(lines[2], []byte("\n"), nil), []byte(" "), nil)
	block := make([]byte, hex.DecodedLen(len(digits)))
	if _, err := hex.Decode(block, digits); err != nil {
		return fmt.Errorf("%s: %w", keyword, err)
	}
	switch {
	case bytes.HasPrefix(block, xmpHeader):
		b.addXMP(block[len(xmpHeader):])
	case bytes.HasPrefix(block, exif.Header):
		if b.exif == nil {
			b.exif = exif.Trim(block)
		}
	case bytes.HasPrefix(block, []byte("8BIM")):
		b.photoshop = block
	case keyword == "Raw profile type xmp":
		b.addXMP(block)
	case keyword == "Raw profile type iptc":
		b.iptc = block
	case b.exif == nil:
		b.exif = block
	}
	return nil
}

// mostText is as much as hexadecimal digits of XMP take, and line breaks between them.
const mostText = 3 * xmp.MaxPacket

// inflate unpacks at most as much as is read of XMP.
func (b *blocks) inflate(content []byte) ([]byte, error) {
	if b.unfolded > mostUnfolded {
		return nil, fmt.Errorf("the compressed texts before it have more than %d bytes", mostUnfolded)
	}
	reader, err := zlib.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	unpacked, err := io.ReadAll(io.LimitReader(reader, xmp.MaxPacket+1))
	b.unfolded += len(unpacked)
	if err == nil && len(unpacked) > xmp.MaxPacket {
		err = fmt.Errorf("unpacked it has more than %d bytes", xmp.MaxPacket)
	}
	return unpacked, err
}
