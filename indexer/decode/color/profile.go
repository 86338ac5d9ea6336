package color

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"github.com/kovidgoyal/imaging/prism/meta/icc"
)

// d50 is the white of profiles (ISO 15076-1, 7.2.16).
var d50 = [3]float64{0.9642, 1, 0.8249}

// perceptualBlack is the black of tables with perceptual intent in profiles of version
// 4 (ISO 15076-1, 6.3.3).
var perceptualBlack = [3]float64{0.00336, 0.0034731, 0.00287}

// profileFormula is that of an ICC profile.
func profileFormula(profile string) (f formula, err error) {
	defer func() {
		if p := recover(); p != nil {
			f, err = formula{}, fmt.Errorf("the profile cannot be evaluated: %v", p)
		}
	}()
	checked, channels, err := check([]byte(profile))
	if err != nil {
		return formula{}, err
	}
	p, err := icc.DecodeProfile(bytes.NewReader(checked))
	if err != nil {
		return formula{}, err
	}
	toXYZ, err := connection(p, channels)
	if err != nil {
		return formula{}, err
	}
	toSRGB, err := fromD50()
	if err != nil {
		return formula{}, err
	}
	black := blackPoint(p, channels, toXYZ)
	f = formula{channels: channels, independent: channels == 3 && !p.TagTable.Has(icc.AToB0TagSignature)}
	f.convert = func(samples []float64) [3]float64 {
		v := toXYZ(samples)
		for i := range v {
			v[i] = (v[i] - black[i]) * d50[i] / (d50[i] - black[i])
		}
		return encoded(toSRGB.times(v))
	}
	return f, f.try()
}

// fromD50 is the matrix from XYZ of a profile to light in sRGB.
func fromD50() (matrix, error) {
	to, white, err := srgb.toXYZ()
	if err != nil {
		return matrix{}, err
	}
	back, _ := to.inverse()
	return back.product(adaptation(d50, white)), nil
}

// connection returns the way from samples to XYZ.
func connection(p *icc.Profile, channels int) (func([]float64) [3]float64, error) {
	pipeline, err := p.CreateTransformerToPCS(icc.PerceptualRenderingIntent, channels, true)
	if err != nil {
		return nil, err
	}
	lab := p.Header.ProfileConnectionSpace == icc.ColorSpaceLab
	return func(samples []float64) [3]float64 {
		var in, out [4]float64
		copy(in[:], samples)
		if channels == 3 {
			out[0], out[1], out[2] = pipeline.Transform(in[0], in[1], in[2])
		} else {
			pipeline.TransformGeneral(out[:], in[:])
		}
		if lab {
			return xyzOfLab([3]float64(out[:3]))
		}
		return [3]float64(out[:3])
	}, nil
}

// blackPoint is the black that becomes that of sRGB, in XYZ. Black is compensated for
// because lcms2 does so with perceptual intent where one of the profiles is of version
// 4, as its own of sRGB is. It is what lcms2 finds: grey, and nothing if it is lighter
// than half.
func blackPoint(p *icc.Profile, channels int, toXYZ func([]float64) [3]float64) [3]float64 {
	if p.Header.Version.Major >= 4 && p.TagTable.Has(icc.AToB0TagSignature) {
		return perceptualBlack
	}
	darkest := make([]float64, channels)
	if channels == 4 {
		darkest = []float64{1, 1, 1, 1}
	}
	lightness := 116*labCurve(toXYZ(darkest)[1]) - 16
	if !(lightness > 0 && lightness <= 50) {
		return [3]float64{}
	}
	return xyzOfLab([3]float64{lightness, 0, 0})
}

// xyzOfLab converts CIE L*a*b* relative to the white of profiles.
func xyzOfLab(lab [3]float64) [3]float64 {
	const linear = 24. / 116
	y := (lab[0] + 16) / 116
	light := each(func(v float64) float64 {
		if v <= linear {
			return (v - 16./116) * 108 / 841
		}
		return v * v * v
	})([3]float64{y + lab[1]/500, y, y - lab[2]/200})
	return [3]float64{light[0] * d50[0], light[1] * d50[1], light[2] * d50[2]}
}

func labCurve(v float64) float64 {
	const linear = 216. / 24389
	if v <= linear {
		return v*841/108 + 16./116
	}
	return math.Cbrt(v)
}

// try evaluates the formula once, which fails for a profile whose parts do not fit
// together.
func (f formula) try() error {
	for _, v := range f.convert([]float64{.5, .5, .5, .5}[:f.channels]) {
		if v != v {
			return errors.New("the profile makes no colours")
		}
	}
	return nil
}
