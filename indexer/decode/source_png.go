package decode

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"

	"polylens/indexer/decode/color"
)

// saysColors are the chunks about colours.
var saysColors = map[string]bool{"cICP": true, "iCCP": true, "sRGB": true, "gAMA": true, "cHRM": true}

// pngSource reads the chunks about colours, of which one counts, in this order: cICP,
// iCCP, sRGB, gAMA with cHRM (PNG, third edition, 4.3).
func pngSource(data []byte) (color.Source, error) {
	found := map[string][]byte{}
	for name, content := range pngChunks(data) {
		if name == "IDAT" {
			break
		}
		if _, again := found[name]; !again && saysColors[name] {
			found[name] = content
		}
	}
	if cicp := found["cICP"]; len(cicp) == 4 {
		return codePoints(cicp)
	}
	if iccp, ok := found["iCCP"]; ok {
		profile, err := unpack(iccp)
		return color.Source{Profile: profile}, err
	}
	if _, ok := found["sRGB"]; ok {
		return color.Source{}, nil
	}
	source := color.Source{Gamma: gamma(found["gAMA"])}
	if chrm := found["cHRM"]; len(chrm) == 32 {
		source.Chromaticities = chromaticities(chrm)
	}
	return source, nil
}

// pngChunks goes over the chunks with their names.
func pngChunks(data []byte) iter.Seq2[string, []byte] {
	const signature, frame = 8, 12 // length, name and checksum
	return func(yield func(string, []byte) bool) {
		for pos := signature; pos+frame <= len(data); {
			size := int64(binary.BigEndian.Uint32(data[pos:]))
			if int64(pos)+frame+size > int64(len(data)) {
				return
			}
			if !yield(string(data[pos+4:pos+8]), data[pos+8:pos+8+int(size)]) {
				return
			}
			pos += frame + int(size)
		}
	}
}

// codePoints are those of H.273. Only RGB of full range is a PNG.
func codePoints(cicp []byte) (color.Source, error) {
	if cicp[2] != 0 || cicp[3] != 1 {
		return color.Source{}, errors.New("it says that it has YCbCr or a limited range, which no PNG has")
	}
	return color.Source{Primaries: int(cicp[0]), Transfer: int(cicp[1])}, nil
}

// unpack takes an iCCP chunk: a name, the kind of compression, the profile.
func unpack(iccp []byte) (string, error) {
	_, packed, ok := bytes.Cut(iccp, []byte{0})
	if !ok || len(packed) < 2 || packed[0] != 0 {
		return "", errors.New("its profile is not packed as a PNG's is")
	}
	reader, err := zlib.NewReader(bytes.NewReader(packed[1:]))
	if err != nil {
		return "", fmt.Errorf("its profile cannot be unpacked: %w", err)
	}
	profile, err := io.ReadAll(io.LimitReader(reader, color.MostProfile+1))
	if err != nil {
		return "", fmt.Errorf("its profile cannot be unpacked: %w", err)
	}
	if len(profile) > color.MostProfile {
		return "", tooLong()
	}
	return string(profile), nil
}

// perUnit is what PNG multiplies gamma and chromaticities with.
const perUnit = 100000

// gamma is the exponent for color.Source, 0 for sRGB. One within 5 % of 2.2 is meant
// to be sRGB, which that chunk cannot say otherwise: libpng does not correct it either.
func gamma(gama []byte) float64 {
	if len(gama) != 4 {
		return 0
	}
	coded := binary.BigEndian.Uint32(gama)
	exponent := perUnit / float64(max(coded, 1)) // 0 is absurd, and so is the exponent then
	if math.Abs(exponent/2.2-1) < 0.05 {
		return 0
	}
	return exponent
}

func chromaticities(chrm []byte) (c color.Chromaticities) {
	for i, to := range []*[2]float64{&c.White, &c.Red, &c.Green, &c.Blue} {
		to[0] = float64(binary.BigEndian.Uint32(chrm[8*i:])) / perUnit
		to[1] = float64(binary.BigEndian.Uint32(chrm[8*i+4:])) / perUnit
	}
	return c
}
