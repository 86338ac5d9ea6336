package color

// Source says what the samples of a picture stand for. The zero value is sRGB.
type Source struct {
	// Profile is an ICC profile. Without one the rest counts.
	Profile string
	// Primaries and Transfer are code points of ITU-T H.273, tables 2 and 3. Those
	// that are unknown or Unspecified are those of sRGB. Transfer functions of
	// television count as that of sRGB, as browsers have it: the pictures are made to
	// be looked at with it.
	Primaries, Transfer int
	// Gamma is the exponent that makes light of samples, instead of Transfer if it is
	// not zero.
	Gamma float64
	// Chromaticities stand instead of Primaries if they are not zero.
	Chromaticities Chromaticities
}

// Unspecified is the code point of H.273 for what a file does not say.
const Unspecified = 2

// Chromaticities are x and y (CIE 1931) of white and of the three primaries.
type Chromaticities struct{ White, Red, Green, Blue [2]float64 }

// formula converts one pixel.
type formula struct {
	channels int // 1 of grey, 3 of RGB, 4 of CMYK
	// convert takes samples from 0 to 1 and returns encoded sRGB, where colours that
	// sRGB cannot show lie outside of 0 to 1.
	convert func(samples []float64) [3]float64
	// independent says that the channels of RGB do not influence each other: their
	// light adds up. Such are all spaces that curves and a matrix describe.
	independent bool
}

// formula returns how to convert, or why the source cannot be used.
func (s Source) formula() (formula, error) {
	if s.Profile != "" {
		return profileFormula(s.Profile)
	}
	return codedFormula(s)
}
