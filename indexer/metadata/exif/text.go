package exif

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf16"

	"polylens/indexer/metadata"
)

// wide is text in UTF-16 as Windows writes it.
func wide(data []byte) string { return utf16Text(data, binary.LittleEndian) }

func utf16Text(data []byte, order binary.ByteOrder) string {
	units := make([]uint16, 0, len(data)/2)
	for ; len(data) >= 2; data = data[2:] {
		unit := order.Uint16(data)
		if unit == 0 {
			break
		}
		units = append(units, unit)
	}
	return strings.TrimPrefix(string(utf16.Decode(units)), "\ufeff")
}

// comment is a UserComment, which begins with eight bytes that name its encoding.
func (f field) comment() (string, error) {
	if len(f.data) < 8 || f.kind == 2 {
		return f.text(), nil
	}
	content := f.short()[8:]
	switch string(f.data[:8]) {
	case "UNICODE\x00":
		return utf16Text(content, unicodeOrder(content, f.order)), nil
	case "JIS\x00\x00\x00\x00\x00":
		if len(bytes.Trim(content, "\x00 ")) == 0 {
			return "", nil
		}
		return "", errors.New("it is in JIS, which is not supported")
	case "ASCII\x00\x00\x00", "\x00\x00\x00\x00\x00\x00\x00\x00":
		f.data = content
		return f.text(), nil
	}
	return f.text(), nil // without the eight bytes, as some write it
}

// unicodeOrder is by the mark, or such that more of the letters have a high byte of 0:
// programs write either order, whatever that of the block.
func unicodeOrder(content []byte, order binary.ByteOrder) binary.ByteOrder {
	switch {
	case bytes.HasPrefix(content, []byte("\xff\xfe")):
		return binary.LittleEndian
	case bytes.HasPrefix(content, []byte("\xfe\xff")):
		return binary.BigEndian
	}
	var first, last int
	for i := 0; i+1 < len(content) && (content[i] != 0 || content[i+1] != 0); i += 2 {
		if content[i] == 0 {
			first++
		}
		if content[i+1] == 0 {
			last++
		}
	}
	switch {
	case first > last:
		return binary.BigEndian
	case last > first:
		return binary.LittleEndian
	}
	return order
}

// copyrights are those of the photographer and the editor, with a NUL between them.
func (f field) copyrights() string {
	var texts []string
	for _, part := range bytes.Split(f.short(), []byte{0}) {
		if text := strings.TrimSpace(metadata.Decode(part)); text != "" {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "; ")
}
