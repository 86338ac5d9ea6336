package optim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// dense is a matrix in float64, in rows.
type dense struct {
	rows, columns int
	values        []float64
}

func (a dense) at(row, column int) float64 { return a.values[row*a.columns+column] }

func denseOf(rows, columns int, at func(row, column int) float64) dense {
	d := dense{rows, columns, make([]float64, rows*columns)}
	for i := range d.values {
		d.values[i] = at(i/columns, i%columns)
	}
	return d
}

func (a dense) times(b dense) dense {
	return denseOf(a.rows, b.columns, func(row, column int) (sum float64) {
		for k := range a.columns {
			sum += a.at(row, k) * b.at(k, column)
		}
		return sum
	})
}

func (a dense) transposed() dense {
	return denseOf(a.columns, a.rows, func(row, column int) float64 { return a.at(column, row) })
}

// muonReference is one update in float64, as the definition in Jordan et al.
// 2024 has it, on the matrix with its shorter side as rows.
func muonReference(w, m, g []float64, of shape, span Span, factor float64) (weights, moment []float64) {
	x := denseOf(of[0], of[1], func(row, column int) float64 {
		i := row*of[1] + column
		m[i] = 0.95*m[i] + 0.05*factor*g[i]
		return 0.95*m[i] + 0.05*factor*g[i]
	})
	if of[0] > of[1] {
		x = x.transposed()
	}
	square := 0.0
	for _, value := range x.values {
		square += value * value
	}
	for i := range x.values {
		x.values[i] /= math.Sqrt(square)
	}
	for range 5 {
		a := x.times(x.transposed())
		aa := a.times(a)
		b := denseOf(a.rows, a.rows, func(row, column int) float64 { return -4.7750*a.at(row, column) + 2.0315*aa.at(row, column) })
		bx := b.times(x)
		x = denseOf(x.rows, x.columns, func(row, column int) float64 { return 3.4445*x.at(row, column) + bx.at(row, column) })
	}
	if of[0] > of[1] {
		x = x.transposed()
	}
	for i, value := range x.values {
		w[i] = w[i]*(1-span.Rate*span.Decay) - span.Rate*0.2*math.Sqrt(float64(max(of[0], of[1])))*value
	}
	return w, m
}

func float64s(values []float32) []float64 {
	wide := make([]float64, len(values))
	for i, value := range values {
		wide[i] = float64(value)
	}
	return wide
}

// TestMuonAgainstFloat64 updates matrices of every orientation, between weights
// that AdamW updates, three times.
func TestMuonAgainstFloat64(t *testing.T) {
	o := optimizer(t, Settings{Beta1: 0.9, Beta2: 0.95, Epsilon: 1e-8, Clip: 3})
	for _, of := range []shape{{12, 12}, {8, 20}, {24, 6}, {1, 5}} {
		t.Run(fmt.Sprint(of), func(t *testing.T) {
			random, size := rand.New(rand.NewPCG(7, 8)), of[0]*of[1]
			memory := memoryOf(size+32, random)
			spans := []Span{{End: 16, Rate: 1e-2}, {Start: 16, End: 16 + size, Rate: 1e-2, Decay: 0.5, Columns: of[1]}}
			weights, moment := float64s(memory.Weights[16:16+size]), make([]float64, size)
			for step := range int64(3) {
				for i := range memory.Gradients {
					memory.Gradients[i] = float32(random.NormFloat64())
				}
				norm, err := o.Step(t.Context(), memory, spans, step, 2)
				if err != nil {
					t.Fatal(err)
				}
				factor := min(1, 3/norm) / 2
				weights, moment = muonReference(weights, moment, float64s(memory.Gradients[16:16+size]), of, spans[1], factor)
			}
			for i := range weights {
				if off := math.Abs(float64(memory.Weights[16+i]) - weights[i]); !(off < 2e-5) {
					t.Fatalf("weight %d is off by %v", i, off)
				}
				if off := math.Abs(float64(memory.First[16+i]) - moment[i]); !(off < 1e-6) {
					t.Fatalf("moment %d is off by %v", i, off)
				}
			}
		})
	}
}

// TestMuonOfNothing updates with a gradient of zeros.
func TestMuonOfNothing(t *testing.T) {
	o := optimizer(t, Settings{Clip: 1})
	memory := memoryOf(12, rand.New(rand.NewPCG(9, 10)))
	before := memory.clone()
	if _, err := o.Step(t.Context(), memory, []Span{{End: 12, Rate: 1, Columns: 4}}, 0, 1); err != nil {
		t.Fatal(err)
	}
	if !memory.equal(before) {
		t.Errorf("weights went from %v to %v", before.Weights, memory.Weights)
	}
}
