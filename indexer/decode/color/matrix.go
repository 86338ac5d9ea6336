package color

import (
	"errors"
	"math"
)

// matrix is of rows.
type matrix [3][3]float64

func (m matrix) times(v [3]float64) (out [3]float64) {
	for i, row := range m {
		out[i] = row[0]*v[0] + row[1]*v[1] + row[2]*v[2]
	}
	return out
}

func (m matrix) product(n matrix) (out matrix) {
	for i := range out {
		for j := range out {
			out[i][j] = m[i][0]*n[0][j] + m[i][1]*n[1][j] + m[i][2]*n[2][j]
		}
	}
	return out
}

// scaled multiplies the columns.
func (m matrix) scaled(by [3]float64) matrix {
	return m.product(matrix{{by[0]}, {0, by[1]}, {0, 0, by[2]}})
}

// inverse returns false for a matrix that has none.
func (m matrix) inverse() (matrix, bool) {
	minor := func(i, j int) float64 {
		a, b, c, d := (i+1)%3, (i+2)%3, (j+1)%3, (j+2)%3
		return m[a][c]*m[b][d] - m[a][d]*m[b][c]
	}
	determinant := m[0][0]*minor(0, 0) + m[0][1]*minor(0, 1) + m[0][2]*minor(0, 2)
	var out matrix
	for i := range out {
		for j := range out {
			out[j][i] = minor(i, j) / determinant
		}
	}
	return out, math.Abs(determinant) > 1e-9
}

// bradford is the matrix from XYZ to the cones of the Bradford transform (ISO 15076-1,
// annex E).
var bradford = matrix{{.8951, .2664, -.1614}, {-.7502, 1.7135, .0367}, {.0389, -.0685, 1.0296}}

// adaptation is the matrix from XYZ under one white to XYZ under another.
func adaptation(from, to [3]float64) matrix {
	inverse, _ := bradford.inverse()
	a, b := bradford.times(from), bradford.times(to)
	return inverse.scaled([3]float64{b[0] / a[0], b[1] / a[1], b[2] / a[2]}).product(bradford)
}

var errChromaticities = errors.New("its primaries are absurd")

// toSRGB is the matrix from light in these primaries to light in those of sRGB, with
// white adapted to white.
func (c Chromaticities) toSRGB() (matrix, error) {
	from, white, err := c.toXYZ()
	if err != nil {
		return matrix{}, err
	}
	to, whiteTo, err := srgb.toXYZ()
	if err != nil {
		return matrix{}, err
	}
	back, _ := to.inverse()
	m := back.product(adaptation(white, whiteTo)).product(from)
	for _, row := range m {
		for _, v := range row {
			if !(math.Abs(v) < 100) {
				return matrix{}, errChromaticities
			}
		}
	}
	return m, nil
}

// toXYZ is the matrix from light to XYZ, and white in XYZ.
func (c Chromaticities) toXYZ() (m matrix, white [3]float64, err error) {
	for j, xy := range [][2]float64{c.Red, c.Green, c.Blue} {
		m[0][j], m[1][j], m[2][j] = xy[0], xy[1], 1-xy[0]-xy[1]
	}
	inverse, ok := m.inverse()
	if !ok || !(c.White[0] > 0 && c.White[1] > 1e-3 && c.White[0]+c.White[1] < 1) {
		return m, white, errChromaticities
	}
	white = [3]float64{c.White[0] / c.White[1], 1, (1 - c.White[0] - c.White[1]) / c.White[1]}
	return m.scaled(inverse.times(white)), white, nil
}
