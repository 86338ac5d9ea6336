package color

import "math"

// Light of more than diffuse white is rolled off: pictures are shown and encoded as if
// they were printed. The peak that is rolled off to white is that of HLG (ITU-R
// BT.2100) and of nearly all mastering in PQ; more than that is white. Values are in
// candela per square metre.
const (
	diffuseWhite = 203.  // of ITU-R BT.2408
	peak         = 1000. // shown as white
	mostPQ       = 10000.
)

// Code points of H.273, table 3.
const (
	transferPQ  = 16
	transferHLG = 18
)

func (s Source) highDynamicRange() bool { return s.Transfer == transferPQ || s.Transfer == transferHLG }

// fromPQ makes light of samples (SMPTE ST 2084).
func fromPQ(v [3]float64) [3]float64 {
	return toned(each(func(v float64) float64 { return mostPQ * pqLight(v) })(v))
}

// fromHLG makes light of samples (ITU-R BT.2100, table 5) for a display with a peak of
// 1000.
func fromHLG(v [3]float64) [3]float64 {
	const a, b, c, gamma = 0.17883277, 0.28466892, 0.55991073, 1.2
	scene := each(func(v float64) float64 {
		if v <= 0.5 {
			return v * v / 3
		}
		return (math.Exp((v-c)/a) + b) / 12
	})(v)
	luminance := 0.2627*scene[0] + 0.6780*scene[1] + 0.0593*scene[2]
	factor := peak * math.Pow(max(luminance, 0), gamma-1)
	return toned(each(func(v float64) float64 { return factor * v })(scene))
}

// toned compresses the brightest channel as the EETF of ITU-R BT.2390 does, and the
// others in proportion, which keeps the hue. 1 is white.
func toned(light [3]float64) [3]float64 {
	brightest := max(light[0], light[1], light[2])
	if brightest <= 0 {
		return [3]float64{}
	}
	factor := rolledOff(brightest) / brightest / diffuseWhite
	return each(func(v float64) float64 { return factor * v })(light)
}

// rolledOff is the EETF for a peak of 1000 on a display of diffuse white.
func rolledOff(light float64) float64 {
	top := pqSample(peak / mostPQ)
	most := pqSample(diffuseWhite/mostPQ) / top
	knee := 1.5*most - 0.5
	v := min(pqSample(light/mostPQ)/top, 1)
	if v > knee {
		t := (v - knee) / (1 - knee)
		v = (2*t*t*t-3*t*t+1)*knee + (t*t*t-2*t*t+t)*(1-knee) + (3*t*t-2*t*t*t)*most
	}
	return mostPQ * pqLight(v*top)
}

// Constants of SMPTE ST 2084.
const (
	pqM1 = 2610. / 16384
	pqM2 = 2523. / 4096 * 128
	pqC1 = 3424. / 4096
	pqC2 = 2413. / 4096 * 32
	pqC3 = 2392. / 4096 * 32
)

// pqLight is the light of a sample, 1 for the most that can be coded.
func pqLight(v float64) float64 {
	p := math.Pow(max(v, 0), 1/pqM2)
	return math.Pow(max(p-pqC1, 0)/(pqC2-pqC3*p), 1/pqM1)
}

func pqSample(light float64) float64 {
	p := math.Pow(light, pqM1)
	return math.Pow((pqC1+pqC2*p)/(1+pqC3*p), pqM2)
}
