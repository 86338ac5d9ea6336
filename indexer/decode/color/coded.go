package color

import (
	"errors"
	"math"
)

// srgb are the primaries and the white of sRGB (IEC 61966-2-1).
var srgb = Chromaticities{d65, [2]float64{.640, .330}, [2]float64{.300, .600}, [2]float64{.150, .060}}

// Whites of H.273, table 2.
var (
	d65          = [2]float64{.3127, .3290}
	whiteC       = [2]float64{.310, .316}
	whiteDCI     = [2]float64{.314, .351}
	whiteOfEqual = [2]float64{1. / 3, 1. / 3}
)

// primaries are those of H.273, table 2, by code point.
var primaries = map[int]Chromaticities{
	4:  {whiteC, [2]float64{.67, .33}, [2]float64{.21, .71}, [2]float64{.14, .08}},
	5:  {d65, [2]float64{.64, .33}, [2]float64{.29, .60}, [2]float64{.15, .06}},
	6:  {d65, [2]float64{.630, .340}, [2]float64{.310, .595}, [2]float64{.155, .070}},
	7:  {d65, [2]float64{.630, .340}, [2]float64{.310, .595}, [2]float64{.155, .070}},
	8:  {whiteC, [2]float64{.681, .319}, [2]float64{.243, .692}, [2]float64{.145, .049}},
	9:  {d65, [2]float64{.708, .292}, [2]float64{.170, .797}, [2]float64{.131, .046}}, // BT.2020
	10: {whiteOfEqual, [2]float64{1, 0}, [2]float64{0, 1}, [2]float64{0, 0}},          // XYZ
	11: {whiteDCI, [2]float64{.680, .320}, [2]float64{.265, .690}, [2]float64{.150, .060}},
	12: {d65, [2]float64{.680, .320}, [2]float64{.265, .690}, [2]float64{.150, .060}}, // Display P3
	22: {d65, [2]float64{.630, .340}, [2]float64{.295, .605}, [2]float64{.155, .077}},
}

// codedFormula is that of a source without profile.
func codedFormula(s Source) (formula, error) {
	chromaticities := s.Chromaticities
	if chromaticities == (Chromaticities{}) {
		chromaticities = srgb
		if known, ok := primaries[s.Primaries]; ok {
			chromaticities = known
		}
	}
	toSRGB, err := chromaticities.toSRGB()
	if err != nil {
		return formula{}, err
	}
	light, err := s.light()
	if err != nil {
		return formula{}, err
	}
	convert := func(samples []float64) [3]float64 { return encoded(toSRGB.times(light([3]float64(samples)))) }
	return formula{channels: 3, convert: convert, independent: s.Gamma != 0 || !s.highDynamicRange()}, nil
}

// light returns the function that makes light of samples: 1 is white.
func (s Source) light() (func([3]float64) [3]float64, error) {
	const leastGamma, mostGamma = 0.1, 10
	if s.Gamma != 0 {
		if !(s.Gamma >= leastGamma && s.Gamma <= mostGamma) {
			return nil, errors.New("its gamma is absurd")
		}
		return each(power(s.Gamma)), nil
	}
	switch s.Transfer {
	case 4:
		return each(power(2.2)), nil
	case 5:
		return each(power(2.8)), nil
	case 8:
		return each(power(1)), nil
	case transferPQ:
		return fromPQ, nil
	case 17: // SMPTE ST 428-1
		return each(func(v float64) float64 { return math.Pow(v, 2.6) * 52.37 / 48 }), nil
	case transferHLG:
		return fromHLG, nil
	}
	return each(decoded), nil
}

func each(f func(float64) float64) func([3]float64) [3]float64 {
	return func(v [3]float64) [3]float64 { return [3]float64{f(v[0]), f(v[1]), f(v[2])} }
}

func power(exponent float64) func(float64) float64 {
	return func(v float64) float64 { return math.Pow(max(v, 0), exponent) }
}

// decoded makes light of a sample of sRGB.
func decoded(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

// encoded makes samples of sRGB of light.
func encoded(light [3]float64) [3]float64 {
	return each(func(v float64) float64 {
		if v <= 0.0031308 {
			return 12.92 * v
		}
		return 1.055*math.Pow(v, 1/2.4) - 0.055
	})(light)
}
