package dds

import "math/bits"

// sample is where one channel lies in a pixel.
type sample struct {
	shift int
	most  uint32 // its greatest value; 0 for a channel that is not there
}

func sampleOf(mask uint32) sample {
	shift := bits.TrailingZeros32(mask)
	return sample{shift, mask >> shift}
}

// of returns the channel of a pixel, 0 to 255.
func (s sample) of(pixel uint32) byte {
	if s.most == 0 {
		return 0
	}
	return byte(uint64(pixel>>s.shift&s.most) * 255 / uint64(s.most))
}
