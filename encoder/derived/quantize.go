package derived

import "math"

// quantizeRow writes a row of weights as int8 and returns its scale: weights
// are about scale * int8. It is symmetric: the largest magnitude becomes 127.
func quantizeRow(dst []int8, row []float32) (scale float32) {
	var largest float32
	for _, w := range row {
		largest = max(largest, w, -w)
	}
	if largest == 0 || math.IsInf(float64(largest), 0) || largest != largest {
		clear(dst)
		return largest / 127
	}
	inverse := 127 / largest
	for i, w := range row {
		dst[i] = int8(math.RoundToEven(float64(w * inverse)))
	}
	return largest / 127
}

// transposed quantizes a matrix [out, in] to int8 [in, out], the layout that
// ONNX Runtime multiplies with, and one scale for each output.
func transposed(weight []float32, out, in int) ([]byte, []float32) {
	columns, scales := make([]byte, in*out), make([]float32, out)
	row := make([]int8, in)
	for o := range out {
		scales[o] = quantizeRow(row, weight[o*in:][:in])
		for i, q := range row {
			columns[i*out+o] = byte(q)
		}
	}
	return columns, scales
}
