package balance

import (
	"encoding/binary"
	"math"
)

// cells are groups of examples that the constraints cannot tell apart: all of
// a cell get the same weight. Zeros and ones give few cells, so that solving
// takes no longer for more examples.
type cells struct {
	of      []int     // the cell of each example
	share   []float64 // of the examples, summing to 1
	utility []float64
	s       [][]float64 // by attribute, then cell
	y       [][]float64 // by label, then cell
}

func (d data) cells() cells {
	c := cells{of: make([]int, d.count), s: make([][]float64, len(d.attributes)), y: make([][]float64, len(d.labels))}
	known := map[string]int{}
	var key []byte
	for i := range d.count {
		key = d.key(key[:0], i)
		cell, ok := known[string(key)]
		if !ok {
			cell = len(c.share)
			known[string(key)] = cell
			c.open(d, i)
		}
		c.of[i] = cell
		c.share[cell] += 1 / float64(d.count)
	}
	return c
}

// key tells cells apart.
func (d data) key(key []byte, example int) []byte {
	key = binary.LittleEndian.AppendUint64(key, math.Float64bits(d.utility[example]))
	for _, column := range d.attributes {
		key = append(key, byte(column.Values[example]))
	}
	for _, column := range d.labels {
		key = binary.LittleEndian.AppendUint64(key, math.Float64bits(column.Values[example]))
	}
	return key
}

// open begins a cell with its first example.
func (c *cells) open(d data, example int) {
	c.share = append(c.share, 0)
	c.utility = append(c.utility, d.utility[example])
	for k, column := range d.attributes {
		c.s[k] = append(c.s[k], column.Values[example])
	}
	for r, column := range d.labels {
		c.y[r] = append(c.y[r], column.Values[example])
	}
}

// mean of values over the cells under weights.
func (c cells) mean(weights, values []float64) float64 {
	var sum, total float64
	for i, share := range c.share {
		sum += share * weights[i] * values[i]
		total += share * weights[i]
	}
	return sum / total
}

// deviation is the standard deviation of values under weights.
func (c cells) deviation(weights, values []float64) float64 {
	mean := c.mean(weights, values)
	var sum, total float64
	for i, share := range c.share {
		sum += share * weights[i] * (values[i] - mean) * (values[i] - mean)
		total += share * weights[i]
	}
	return math.Sqrt(sum / total)
}

// covariance of two columns under weights.
func (c cells) covariance(weights, first, second []float64) float64 {
	one, two := c.mean(weights, first), c.mean(weights, second)
	var sum, total float64
	for i, share := range c.share {
		sum += share * weights[i] * (first[i] - one) * (second[i] - two)
		total += share * weights[i]
	}
	return sum / total
}

// correlation is Pearson's, 0 where a column does not vary.
func (c cells) correlation(weights, first, second []float64) float64 {
	spread := c.deviation(weights, first) * c.deviation(weights, second)
	if spread == 0 {
		return 0
	}
	return c.covariance(weights, first, second) / spread
}

// kept is the mean weight.
func (c cells) kept(weights []float64) float64 {
	var total float64
	for i, share := range c.share {
		total += share * weights[i]
	}
	return total
}
