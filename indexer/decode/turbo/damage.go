package turbo

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
)

var startOfScan, endOfImage = []byte{0xFF, 0xDA}, []byte{0xFF, 0xD9}

// damageOf says what is wrong with a picture that has been decoded all the same.
func damageOf(data []byte, img image.Image, want Want, message string) string {
	scans := firstScan(data)
	switch {
	case bytes.Contains(scans[max(0, bytes.LastIndex(scans, startOfScan)):], endOfImage):
		return fmt.Sprintf("the data are damaged, and part of the picture may look wrong (%s)", message)
	case bytes.Count(scans, startOfScan) > 1:
		return "the file ends early, and details or colours of the picture may be missing"
	}
	rows := min(unsetRows(img)*8/want.Points, want.Full.Y)
	if rows == 0 {
		return "the file ends early, but no row of the picture is missing as a whole"
	}
	return fmt.Sprintf("the file ends early: of %d rows the last %d are missing and shown grey", want.Full.Y, rows)
}

// firstScan is the data from the first scan on, where markers stand for themselves: the
// segments before it can hold another picture.
func firstScan(data []byte) []byte {
	const markerAndLength = 4
	for pos := 2; pos+markerAndLength <= len(data); {
		switch marker := data[pos : pos+2]; {
		case bytes.Equal(marker, startOfScan):
			return data[pos:]
		case marker[0] != 0xFF || marker[1] == 0xFF || marker[1] == 0: // a decoder passes over what is between segments
			pos++
			continue
		}
		pos += 2 + int(binary.BigEndian.Uint16(data[pos+2:]))
	}
	return nil
}

// unsetRows counts the rows at the bottom that have the grey of coefficients that are
// not there.
func unsetRows(img image.Image) int {
	unset := func(pixels []byte, alpha bool) bool {
		for i, value := range pixels {
			if value != 128 && (!alpha || i%4 != 3) {
				return false
			}
		}
		return true
	}
	rows, height := 0, img.Bounds().Dy()
	for y := height - 1; y >= 0; y-- {
		var is bool
		switch m := img.(type) {
		case *image.Gray:
			is = unset(m.Pix[y*m.Stride:(y+1)*m.Stride], false)
		case *image.NRGBA:
			is = unset(m.Pix[y*m.Stride:(y+1)*m.Stride], true)
		}
		if !is {
			break
		}
		rows++
	}
	return rows
}
