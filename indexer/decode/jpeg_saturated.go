package decode

// mostCoarse is how many bits a pixel may take, times the mean step of quantization, in
// a JPEG that is reduced. Noisy photos of any quality have 50; random dots, halftones and
// chequers of black and white have 200 and more.
const mostCoarse = 200

// saturates reports whether a JPEG is made of strong fine patterns, coarsely quantized.
// At full size their samples go beyond black and white, and are clipped, which makes the
// whole lighter or darker. A reduction takes the mean of what is not clipped, so such a
// picture looks otherwise.
func (t task) saturates() bool {
	const dqt, markerAndLength = 0xDB, 4
	steps, head := 0.0, 2
	for marker, segment := range jpegSegments(t.data) {
		head += markerAndLength + len(segment)
		if marker == dqt && steps == 0 {
			steps = meanStep(segment)
		}
	}
	return float64(8*(len(t.data)-head))/float64(t.pixels())*steps > mostCoarse
}

// meanStep is that of the first table of a segment (ITU-T T.81, B.2.4.1), which is for
// luma; 0 of one that is cut off.
func meanStep(dqt []byte) float64 {
	const count = 64
	if len(dqt) == 0 {
		return 0
	}
	each := 1 + int(dqt[0]>>4&1)
	if len(dqt) < 1+each*count {
		return 0
	}
	sum := 0
	for i := 1; i < 1+each*count; i += each {
		step := int(dqt[i])
		if each == 2 {
			step = step<<8 | int(dqt[i+1])
		}
		sum += step
	}
	return float64(sum) / count
}
