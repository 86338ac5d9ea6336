package text

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/text/encoding/unicode"
)

// Decode returns the text of a file as UTF-8 without a byte order mark. UTF-16 is
// read when a byte order mark says so; UTF-32, and UTF-16 without the mark, are
// refused. Whether the rest is UTF-8 is for the caller to see, line by line
// (CheckLines). The result is at most 1.5 times as long as data.
func Decode(data []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return data[3:], nil
	case bytes.HasPrefix(data, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(data, []byte("\x00\x00\xfe\xff")):
		return nil, errors.New("it is UTF-32: save the file as UTF-8")
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return decodeUTF16(data)
	case len(data) >= 2 && (data[0] == 0 || data[1] == 0):
		return nil, errors.New("it seems to be UTF-16 without a byte order mark: save the file as UTF-8")
	}
	return data, nil
}

// decodeUTF16 refuses what the decoder would replace.
func decodeUTF16(data []byte) ([]byte, error) {
	if len(data)%2 != 0 {
		return nil, errors.New("it is UTF-16 that ends within a character: save the file as UTF-8")
	}
	if at := loneSurrogate(data); at >= 0 {
		return nil, fmt.Errorf("it is UTF-16 with half a character at byte %d: save the file as UTF-8", at)
	}
	decoded, err := unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder().Bytes(data)
	if err != nil {
		return nil, fmt.Errorf("it is UTF-16 that cannot be read (%w): save the file as UTF-8", err)
	}
	return decoded, nil
}

// loneSurrogate is the place of a surrogate without its other half, or -1.
func loneSurrogate(data []byte) int {
	high := 0
	if data[0] == 0xff { // little-endian
		high = 1
	}
	open := -1 // where the first half of a pair stands
	for at := 2; at+1 < len(data); at += 2 {
		kind := data[at+high] & 0xfc
		switch {
		case open >= 0 && kind != 0xdc:
			return open
		case open < 0 && kind == 0xdc:
			return at
		}
		if open = -1; kind == 0xd8 {
			open = at
		}
	}
	return open
}
