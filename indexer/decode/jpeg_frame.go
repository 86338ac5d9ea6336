package decode

import (
	"encoding/binary"
	"image"
	"image/jpeg"
)

// frame is the header of a JPEG's frame (ITU-T T.81, B.2.2).
type frame struct {
	marker        byte // SOF0 to SOF15
	bits          int  // of a sample
	width, height int
}

// lossless reports whether it is coded by prediction, not by cosines.
func (f frame) lossless() bool { return f.marker&3 == 3 }

// findFrame walks over the segments to the first frame header of any kind.
func findFrame(data []byte) (frame, bool) {
	const sof0, dht, jpg, dac, sof15, sos = 0xC0, 0xC4, 0xC8, 0xCC, 0xCF, 0xDA
	for pos := 2; pos+9 <= len(data); {
		marker := data[pos+1]
		switch {
		case data[pos] != 0xFF || marker == 0 || marker == 0xFF: // decoders pass over what is between segments
			pos++
			continue
		case marker >= 0xD0 && marker <= 0xD8 || marker == 1: // without length
			pos += 2
			continue
		case marker == sos:
			return frame{}, false
		case marker >= sof0 && marker <= sof15 && marker != dht && marker != jpg && marker != dac:
			return frame{
				marker: marker, bits: int(data[pos+4]),
				height: int(binary.BigEndian.Uint16(data[pos+5:])), width: int(binary.BigEndian.Uint16(data[pos+7:])),
			}, true
		}
		pos += 2 + int(binary.BigEndian.Uint16(data[pos+2:]))
	}
	return frame{}, false
}

// jpegConfig knows no colours of a JPEG that image/jpeg does not read, but its size.
func jpegConfig(t task) (image.Config, error) {
	config, err := streamed(jpeg.DecodeConfig)(t)
	if f, ok := findFrame(t.data); err != nil && ok && f.width > 0 && f.height > 0 && t.ctx.Err() == nil {
		return image.Config{Width: f.width, Height: f.height}, nil
	}
	return config, err
}
