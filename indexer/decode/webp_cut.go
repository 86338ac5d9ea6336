package decode

import (
	"bytes"
	"encoding/binary"
	"image"
	"slices"

	"golang.org/x/image/webp"

	"polylens/indexer/decode/raster"
)

// cutWebP is a still WebP that ends early. Its decoder cannot say how far it came, so
// the missing bytes are replaced twice, by different ones: the rows that come out the
// same are those of the file.
type cutWebP struct {
	size   []byte // as in the container, for one that has transparency
	chunks []byte
}

// fillers replace what is missing. Some of them are no codes of a lossless picture.
var fillers = [...]byte{0x00, 0xFF, 0x55, 0xAA, 0x33, 0xCC}

// decode returns the picture as far as it goes, transparent behind that.
func (c cutWebP) decode(t task) (image.Image, error) {
	more := min(2*t.pixels()+1<<10, t.limits.MaxBytes)
	var first *image.NRGBA
	for _, value := range fillers {
		still := stillWebP(c.size, filled(c.chunks, value, more))
		img, err := webp.Decode(untilDone(t.ctx, bytes.NewReader(still)))
		if t.ctx.Err() != nil {
			return nil, t.ctx.Err()
		}
		if err != nil {
			continue
		}
		shown, ok := plain(img, t.codec.name, t.config).(*image.NRGBA) // as all of WebP
		if !ok {
			continue
		}
		if first != nil {
			return t.inPart(first, keepCommon(first, shown))
		}
		first = shown
	}
	return nil, faultf(Corrupt, "the file ends early, where nothing of it can be shown")
}

// filled adds bytes of a value to the last of several chunks, if it is cut off. They
// are often more than were cut off, since such bytes say little.
func filled(chunks []byte, value byte, more int64) []byte {
	rest := chunks
	for len(rest) >= webpChunkHead {
		name, _, after := nextChunk(rest)
		if name == "" {
			break
		}
		rest = after
	}
	if len(rest) < webpChunkHead {
		return chunks
	}
	length := int64(len(rest)-webpChunkHead) + more
	whole := slices.Concat(chunks, bytes.Repeat([]byte{value}, int(more+length&1)))
	binary.LittleEndian.PutUint32(whole[len(chunks)-len(rest)+4:], uint32(length))
	return whole
}

// cutOff reports whether the last of several chunks is cut off.
func cutOff(chunks []byte) bool {
	for len(chunks) > 0 {
		name, _, rest := nextChunk(chunks)
		if name == "" {
			return len(chunks) >= webpChunkHead
		}
		chunks = rest
	}
	return false
}

// keepCommon clears the rows of a from the first on that differs in b.
func keepCommon(a, b *image.NRGBA) error {
	rows := a.Rect.Dy()
	for y := range rows {
		if !bytes.Equal(raster.Row(a.Pix, a.Stride, y), raster.Row(b.Pix, b.Stride, y)) {
			clear(a.Pix[y*a.Stride:])
			return raster.Cut(y, rows, false)
		}
	}
	return nil
}
