package adapter

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"polylens/encoder/safetensors"
)

// Merge changes the values of the named base weight in place, to what PEFT's
// merge_and_unload makes of them in float32, within 1e-6 of their scale. A weight
// that the adapter does not touch stays as it is.
func (a *Adapter) Merge(name string, weight []float32, shape []int64) error {
	delta, ok := a.deltas[name]
	if !ok {
		return nil
	}
	if !slices.Equal(shape, delta.Shape()) {
		return fmt.Errorf("weight %q has shape %v, but the adapter %s was trained for %v", name, shape, a.dir, delta.Shape())
	}
	if elements(shape) != int64(len(weight)) {
		return fmt.Errorf("weight %q: %d values do not fill shape %v", name, len(weight), shape)
	}
	if err := a.apply(delta, weight, shape); err != nil {
		return fmt.Errorf("weight %q: %w", name, err)
	}
	if i := slices.IndexFunc(weight, isNotFinite); i >= 0 {
		return fmt.Errorf("merging the adapter %s makes element %d of %q infinite or no number: it is damaged", a.dir, i, name)
	}
	return nil
}

func (a *Adapter) apply(delta Delta, weight []float32, shape []int64) error {
	if delta.Replacement != nil {
		values, err := a.floats(delta.Replacement)
		if err != nil {
			return err
		}
		copy(weight, values)
	}
	if delta.A != nil {
		if err := a.addFactors(delta, weight, shape); err != nil {
			return err
		}
	}
	if delta.Magnitude != nil {
		if err := a.rescale(delta, weight, shape); err != nil {
			return err
		}
	}
	if delta.Bias != nil {
		values, err := a.floats(delta.Bias)
		if err != nil {
			return err
		}
		for i, value := range values {
			weight[i] += delta.Scale * value
		}
	}
	return nil
}

func (a *Adapter) floats(tensor *safetensors.Tensor) ([]float32, error) {
	return a.index.Floats(tensor.Name)
}

// addFactors adds Scale * B A, or its transpose. A convolution's kernels count
// as rows.
func (a *Adapter) addFactors(delta Delta, weight []float32, shape []int64) error {
	right, err := a.floats(delta.A)
	if err != nil {
		return err
	}
	left, err := a.floats(delta.B)
	if err != nil {
		return err
	}
	rank := int(delta.rank)
	if delta.Transposed {
		left, right = transpose(right, rank), transpose(left, len(left)/rank)
	}
	inParallel(int(shape[0]), func(from, to int) {
		sums := make([]float64, len(right)/rank)
		for row := from; row < to; row++ {
			addRow(rowOf(weight, shape, row), sums, left[row*rank:][:rank], right, delta.Scale)
		}
	})
	return nil
}

// addRow adds scale * (coefficients times the rows of matrix) to row. sums is scratch
// memory as long as row; its content does not matter.
func addRow(row []float32, sums []float64, coefficients, matrix []float32, scale float32) {
	clear(sums)
	for k, coefficient := range coefficients {
		for i, value := range matrix[k*len(row):][:len(row)] {
			sums[i] += float64(coefficient) * float64(value)
		}
	}
	for i, sum := range sums {
		row[i] += scale * float32(sum)
	}
}

// rescale brings each row, or each column of an embedding, to its learned length.
func (a *Adapter) rescale(delta Delta, weight []float32, shape []int64) error {
	lengths, err := a.floats(delta.Magnitude)
	if err != nil {
		return err
	}
	if delta.Transposed {
		rescaleColumns(weight, lengths)
		return nil
	}
	for i, length := range lengths {
		row := rowOf(weight, shape, i)
		var sum float64
		for _, value := range row {
			sum += float64(value) * float64(value)
		}
		factor := length / float32(math.Sqrt(sum))
		for j := range row {
			row[j] *= factor
		}
	}
	return nil
}

func rescaleColumns(weight, lengths []float32) {
	sums := make([]float64, len(lengths))
	for i, value := range weight {
		sums[i%len(sums)] += float64(value) * float64(value)
	}
	factors := make([]float32, len(lengths))
	for i, sum := range sums {
		factors[i] = lengths[i] / float32(math.Sqrt(sum))
	}
	for i := range weight {
		weight[i] *= factors[i%len(factors)]
	}
}

func rowOf(weight []float32, shape []int64, row int) []float32 {
	width := len(weight) / int(shape[0])
	return weight[row*width:][:width]
}

// transpose turns a matrix of the given number of rows.
func transpose(matrix []float32, rows int) []float32 {
	columns := len(matrix) / rows
	turned := make([]float32, len(matrix))
	for row := range rows {
		for column := range columns {
			turned[column*rows+row] = matrix[row*columns+column]
		}
	}
	return turned
}

// inParallel splits 0 to count into one range for each processor that the program may
// use: the embedding of the largest model has 256,000 rows.
func inParallel(count int, work func(from, to int)) {
	var running sync.WaitGroup
	parts := min(runtime.GOMAXPROCS(0), count)
	for part := range parts {
		running.Go(func() { work(part*count/parts, (part+1)*count/parts) })
	}
	running.Wait()
}

func isNotFinite(value float32) bool { return !(math.Abs(float64(value)) <= math.MaxFloat32) }

func elements(shape []int64) int64 {
	count := int64(1)
	for _, dim := range shape {
		count *= dim
	}
	return count
}
