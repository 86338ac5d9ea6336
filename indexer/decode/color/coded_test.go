package color

import (
	"math"
	"testing"
)

// bytesOf evaluates a formula.
func bytesOf(tb testing.TB, s Source, samples ...float64) [3]byte {
	tb.Helper()
	f, err := s.formula()
	if err != nil {
		tb.Fatal(err)
	}
	var out [3]byte
	for i, v := range f.convert(samples) {
		out[i] = eightBits(v)
	}
	return out
}

// Colours that are known: primaries of wide spaces, and what lies inside of all.
func TestCodePoints(t *testing.T) {
	for _, tt := range []struct {
		name    string
		source  Source
		samples [3]float64
		want    [3]byte
	}{
		{"sRGB", Source{Primaries: 1, Transfer: 13}, [3]float64{.2, .4, .6}, [3]byte{51, 102, 153}},
		{"nothing", Source{Primaries: Unspecified, Transfer: Unspecified}, [3]float64{.2, .4, .6}, [3]byte{51, 102, 153}},
		{"television", Source{Primaries: 1, Transfer: 1}, [3]float64{.2, .4, .6}, [3]byte{51, 102, 153}},
		{"P3 grey", Source{Primaries: 12, Transfer: 13}, [3]float64{.5, .5, .5}, [3]byte{128, 128, 128}},
		{"P3 red", Source{Primaries: 12, Transfer: 13}, [3]float64{1, 0, 0}, [3]byte{255, 0, 0}},
		{"sRGB red in P3", Source{Primaries: 12, Transfer: 13}, [3]float64{0.9175, 0.2003, 0.1386}, [3]byte{255, 0, 0}},
		{"sRGB green in BT.2020", Source{Primaries: 9, Transfer: 13}, [3]float64{0.6091, 0.9637, 0.3283}, [3]byte{0, 255, 0}},
		{"linear", Source{Transfer: 8}, [3]float64{.2140, 1, 0}, [3]byte{127, 255, 0}},
		{"gamma 2.2", Source{Transfer: 4}, [3]float64{.5, .5, .5}, [3]byte{128, 128, 128}},
		{"gamma 1", Source{Gamma: 1}, [3]float64{.2140, .5, 0}, [3]byte{127, 188, 0}},
		{"another white is white", Source{Primaries: 11, Transfer: 13}, [3]float64{1, 1, 1}, [3]byte{255, 255, 255}},
		{"XYZ", Source{Primaries: 10, Transfer: 8}, [3]float64{1, 1, 1}, [3]byte{255, 255, 255}},
	} {
		got := bytesOf(t, tt.source, tt.samples[:]...)
		for i := range got {
			if d := int(got[i]) - int(tt.want[i]); d > 1 || d < -1 {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
				break
			}
		}
	}
}

// ITU-R BT.2408: diffuse white is 58 % of PQ and 75 % of HLG.
func TestHighDynamicRange(t *testing.T) {
	if got := mostPQ * pqLight(0.58); math.Abs(got-diffuseWhite) > 3 {
		t.Errorf("58 %% of PQ is %.1f", got)
	}
	if got := pqSample(pqLight(0.7)); math.Abs(got-0.7) > 1e-9 {
		t.Errorf("there and back: %v", got)
	}
	pq, hlg := Source{Transfer: transferPQ}, Source{Transfer: transferHLG}
	a, b := bytesOf(t, pq, .5807, .5807, .5807), bytesOf(t, hlg, .75, .75, .75)
	if a[0] < 220 || a[0] > 235 || a != b {
		t.Errorf("diffuse white is %v by PQ, %v by HLG", a, b)
	}
	for name, s := range map[string]Source{"PQ": pq, "HLG": hlg} {
		if got := bytesOf(t, s, 0, 0, 0); got != [3]byte{} {
			t.Errorf("%s: black is %v", name, got)
		}
		if got := bytesOf(t, s, 1, 1, 1); got != [3]byte{255, 255, 255} {
			t.Errorf("%s: the most is %v", name, got)
		}
		last := byte(0)
		for i := range 101 {
			v := float64(i) / 100
			got := bytesOf(t, s, v, v, v)
			if got[0] < last || max(got[0], got[1], got[2])-min(got[0], got[1], got[2]) > 1 {
				t.Errorf("%s: %.2f is %v after %d", name, v, got, last)
			}
			last = got[0]
		}
	}
	// What is darker than the knee remains as light as it is.
	v := pqSample(50. / mostPQ)
	if got, want := bytesOf(t, pq, v, v, v)[0], eightBits(encoded([3]float64{50. / diffuseWhite})[0]); got != want {
		t.Errorf("50 candela per square metre are %d, want %d", got, want)
	}
}

func TestAbsurdSources(t *testing.T) {
	p := func(x, y float64) [2]float64 { return [2]float64{x, y} }
	for name, s := range map[string]Source{
		"gamma too high":    {Gamma: 1e5},
		"gamma too low":     {Gamma: 1e-5},
		"no number":         {Gamma: math.NaN()},
		"primaries in line": {Chromaticities: Chromaticities{d65, p(.1, .1), p(.2, .2), p(.3, .3)}},
		"white is black":    {Chromaticities: Chromaticities{p(0, 0), p(.64, .33), p(.3, .6), p(.15, .06)}},
		"white is far off":  {Chromaticities: Chromaticities{p(40000, .0011), p(.64, .33), p(.3, .6), p(.15, .06)}},
	} {
		if c, err := new(Cache).Conversion(s); err == nil || c != nil {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
}
