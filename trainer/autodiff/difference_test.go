package autodiff

import (
	"math/rand/v2"
	"slices"
	"testing"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
)

// difference is an operator whose gradient is compared with finite differences,
// once as it stands and once with the batch as a number.
type difference struct {
	rule, name string
	in         []graph.Type
	apply      operator
	low        float32 // operands lie between low, -1.5 if it is 0, and 1.5
	open       bool    // the operator demands an open batch
}

// floats is an operand; integers, from 0 to 2, is one that has no gradient.
func floats(shape ...int64) graph.Type { return graph.Type{DType: graph.Float32, Shape: shape} }

func integers(shape ...int64) graph.Type { return graph.Type{DType: graph.Int64, Shape: shape} }

func types(list ...graph.Type) []graph.Type { return list }

const open = graph.Batch

func differences() []difference {
	return slices.Concat(elementwise(), broadcasts(), choices(), reductions(), layouts(), lookups(), products(), blocks())
}

func elementwise() []difference {
	in := types(floats(open, 2))
	return []difference{
		{rule: ":Identity", in: in, apply: ofOne(identity)},
		{rule: ":Neg", in: in, apply: ofOne(graph.Neg)},
		{rule: ":Exp", in: in, apply: ofOne(graph.Exp)},
		{rule: ":Log", in: in, apply: ofOne(graph.Log), low: 1},
		{rule: ":Sqrt", in: in, apply: ofOne(graph.Sqrt), low: 1},
		{rule: ":Erf", in: in, apply: ofOne(graph.Erf)},
		{rule: ":Sigmoid", in: in, apply: ofOne(graph.Sigmoid)},
		{rule: ":Softplus", in: in, apply: ofOne(graph.Softplus)},
		{rule: ":Gelu", name: "exact", in: in, apply: ofOne(graph.Gelu)},
		{rule: ":Gelu", name: "tanh", in: in, apply: ofOne(graph.GeluTanh)},
		{rule: ":Cast", in: in, apply: ofOne(func(x *graph.Value) *graph.Value {
			const double graph.DType = 11 // the one type that a difference survives
			return graph.Cast(graph.Cast(x, double), graph.Float32)
		})},
		{rule: ":Softmax", in: types(floats(open, 2, 4)), apply: ofOne(graph.Softmax)},
	}
}

// broadcasts stretches either operand of every operator of two, and both.
func broadcasts() []difference {
	var list []difference
	operators := map[string]operator{
		":Add": ofTwo(graph.Add), ":Sub": ofTwo(graph.Sub), ":Mul": ofTwo(graph.Mul), ":Div": ofTwo(graph.Div),
		":Max": func(in []*graph.Value) *graph.Value { return graph.Max(in[0], apart(in[1], in[2])) },
	}
	shapes := map[string][2]graph.Shape{
		"equal":         {{open, 2}, {open, 2}},
		"row":           {{open, 2, 3}, {3}},
		"row first":     {{3}, {open, 2, 3}},
		"column":        {{open, 2, 3}, {open, 1, 1}},
		"column first":  {{open, 1, 1}, {open, 2, 3}},
		"both":          {{open, 1, 3}, {2, 1}},
		"batch":         {{1, 3}, {open, 1}},
		"one":           {{open, 2}, {1}},
		"nothing to do": {{1, 1, 2}, {2}},
	}
	for rule, apply := range operators {
		for name, shape := range shapes {
			in := types(floats(shape[0]...), floats(shape[1]...), integers(shape[1]...))
			list = append(list, difference{rule: rule, name: name, in: in, apply: apply, low: 1})
		}
		list = append(list, difference{rule: rule, name: "scalar", in: types(floats(open, 2), floats(1), integers(1)), low: 1,
			apply: func(in []*graph.Value) *graph.Value {
				return apply([]*graph.Value{in[0], graph.Reshape(in[1], graph.Shape{}...), in[2]})
			}})
	}
	return list
}

// apart moves x, numbers from 1 to 1.5, clear of numbers of that range.
func apart(x, by *graph.Value) *graph.Value {
	g := x.Graph()
	return graph.Add(x, graph.Sub(graph.Mul(graph.Cast(by, graph.Float32), g.Floats(graph.Shape{}, 4)), g.Floats(graph.Shape{}, 2)))
}

func choices() []difference {
	where := func(in []*graph.Value) *graph.Value {
		return graph.Where(graph.Greater(in[2], in[2].Graph().Ints(0)), in[0], in[1])
	}
	return []difference{
		{rule: ":Where", name: "equal", in: types(floats(open, 4), floats(open, 4), integers(open, 4)), apply: where},
		{rule: ":Where", name: "condition", in: types(floats(open, 4), floats(open, 4), integers(open, 1)), apply: where},
		{rule: ":Where", name: "first", in: types(floats(4), floats(open, 4), integers(open, 4)), apply: where},
		{rule: ":Where", name: "second", in: types(floats(open, 4), floats(1), integers(4)), apply: where},
		{rule: ":Where", name: "by condition", in: types(floats(4), floats(1), integers(open, 4)), apply: where},
	}
}

func reductions() []difference {
	list := []difference{
		{rule: ":ReduceL2", in: types(floats(open, 2, 3)), apply: ofOne(graph.ReduceL2), low: 1},
		{rule: ":ReduceL2", name: "unit", in: types(floats(open, 2, 3)), apply: ofOne(graph.Unit), low: 1},
	}
	for name, axes := range map[string][]int{"first": {0}, "middle": {1}, "last": {-1}, "two": {0, -1}, "all": nil} {
		for keep, kept := range map[bool]string{false: "", true: " kept"} {
			in := types(floats(open, 2, 3))
			list = append(list,
				difference{rule: ":ReduceSum", name: name + kept, in: in, apply: ofOne(func(x *graph.Value) *graph.Value {
					return graph.ReduceSum(x, keep, axes...)
				})},
				difference{rule: ":ReduceMean", name: name + kept, in: in, apply: ofOne(func(x *graph.Value) *graph.Value {
					return graph.ReduceMean(x, keep, axes...)
				})})
		}
	}
	return list
}

func layouts() []difference {
	slice := func(axis int, start, end int64) operator {
		return ofOne(func(x *graph.Value) *graph.Value { return graph.Slice(x, axis, start, end) })
	}
	pad := func(axis int, before, after int64) operator {
		return ofOne(func(x *graph.Value) *graph.Value { return graph.Pad(x, axis, before, after) })
	}
	in := types(floats(open, 4, 2))
	return []difference{
		{rule: ":Reshape", in: in, apply: ofOne(func(x *graph.Value) *graph.Value { return graph.Reshape(x, 2*x.Shape[0], 4) })},
		{rule: ":Transpose", in: in, apply: ofOne(func(x *graph.Value) *graph.Value { return graph.Transpose(x, 2, 0, 1) })},
		{rule: ":Slice", name: "begin", in: in, apply: slice(1, 0, 1)},
		{rule: ":Slice", name: "middle", in: in, apply: slice(1, 1, 3)},
		{rule: ":Slice", name: "end", in: in, apply: slice(-1, 1, 2)},
		{rule: ":Pad", name: "before", in: in, apply: pad(1, 2, 0)},
		{rule: ":Pad", name: "after", in: in, apply: pad(1, 0, 1)},
		{rule: ":Pad", name: "both", in: in, apply: pad(-1, 1, 2)},
		{rule: ":Concat", in: types(floats(open, 2), floats(open, 1), floats(open, 3)), apply: func(in []*graph.Value) *graph.Value {
			return graph.Concat(-1, in[0], in[1], in[2], in[0])
		}},
		{rule: ":Concat", name: "first axis", in: types(floats(2, 2), floats(1, 2)), apply: ofTwo(func(a, b *graph.Value) *graph.Value {
			return graph.Concat(0, a, b)
		})},
	}
}

// lookups repeat indices, for there are only three.
func lookups() []difference {
	gather := ofTwo(graph.Gather)
	return []difference{
		{rule: ":Gather", name: "texts", in: types(floats(4, 2), integers(open, 3)), apply: gather},
		{rule: ":Gather", name: "rows", in: types(floats(3, 2), integers(5)), apply: gather},
		{rule: ":Gather", name: "rows of a batch", in: types(floats(open, 2), integers(5)), apply: gather},
		{rule: ":Gather", name: "numbers", in: types(floats(3), integers(open, 2)), apply: gather},
		{rule: ":Gather", name: "matrices", in: types(floats(open, 2, 2), integers(open)), apply: gather},
		{rule: ":Gather", name: "one table twice", in: types(floats(4, 2), integers(5), integers(5)), apply: func(in []*graph.Value) *graph.Value {
			return graph.Mul(graph.Gather(in[0], in[1]), graph.Gather(in[0], in[2]))
		}},
	}
}

func products() []difference {
	matMul := func(name string, a, b graph.Type) difference {
		return difference{rule: ":MatMul", name: name, in: types(a, b), apply: ofTwo(graph.MatMul)}
	}
	list := []difference{
		matMul("batches", floats(open, 2, 3), floats(open, 3, 4)),
		matMul("one second", floats(open, 2, 3), floats(3, 4)),
		matMul("one first", floats(2, 3), floats(open, 3, 4)),
		matMul("stretched", floats(1, 2, 3), floats(open, 3, 2)),
		matMul("both stretched", floats(open, 1, 2, 3), floats(2, 3, 2)),
		{rule: ":Gemm", name: "linear", in: types(floats(2*open, 3), floats(4, 3), floats(4)), apply: func(in []*graph.Value) *graph.Value {
			return graph.Linear(in[0], in[1], in[2])
		}},
	}
	for name, shapes := range map[string][2]graph.Shape{ // before they are transposed
		"rows":  {{2 * open, 3}, {3, 4}},
		"inner": {{2, open}, {open, 3}},
	} {
		for _, turned := range [][2]bool{{false, false}, {false, true}, {true, false}, {true, true}} {
			in := types(floats(turn(shapes[0], turned[0])...), floats(turn(shapes[1], turned[1])...))
			label := name + map[bool]string{true: " turned"}[turned[0]] + map[bool]string{true: ", second turned"}[turned[1]]
			list = append(list,
				difference{rule: ":Gemm", name: label, in: in, apply: ofTwo(func(a, b *graph.Value) *graph.Value {
					return graph.Gemm(a, b, turned[0], turned[1])
				})},
				difference{rule: ":Gemm", name: label + ", biased", in: append(in, floats(shapes[1][1])), apply: func(in []*graph.Value) *graph.Value {
					return biased(graph.Gemm(in[0], in[1], turned[0], turned[1]), in[2])
				}})
		}
	}
	return list
}

// biased gives a Gemm its third operand.
func biased(product, bias *graph.Value) *graph.Value {
	product.Producer.Inputs = append(product.Producer.Inputs, bias)
	return product
}

func turn(shape graph.Shape, turned bool) graph.Shape {
	if turned {
		return graph.Shape{shape[1], shape[0]}
	}
	return shape
}

func blocks() []difference {
	const attention = graph.Microsoft + ":MultiHeadAttention"
	heads := func(heads int64) operator {
		return func(in []*graph.Value) *graph.Value { return graph.MultiHeadAttention(in[0], in[1], in[2], heads) }
	}
	biased := func(heads int64) operator {
		return func(in []*graph.Value) *graph.Value { return graph.BiasedAttention(in[0], in[1], in[2], in[3], heads) }
	}
	crossed := types(floats(open, 2, 4), floats(open, 3, 4), floats(open, 3, 4))
	return []difference{
		{rule: ":LayerNormalization", in: types(floats(open, 2, 6), floats(6), floats(6)), apply: func(in []*graph.Value) *graph.Value {
			return graph.LayerNorm(in[0], in[1], in[2], 1e-2)
		}},
		{rule: ":LayerNormalization", name: "fixed scale and bias", in: types(floats(open, 6)), apply: ofOne(func(x *graph.Value) *graph.Value {
			g := x.Graph()
			return graph.LayerNorm(x, g.Floats(graph.Shape{6}, 1, 2, 3, 4, 5, 6), g.Floats(graph.Shape{6}, 6, 5, 4, 3, 2, 1), 1e-5)
		})},
		{rule: attention, name: "one head", in: crossed, apply: heads(1)},
		{rule: attention, name: "two heads", in: crossed, apply: heads(2)},
		{rule: attention, name: "one query", in: types(floats(open, 1, 4), floats(open, 3, 4), floats(open, 3, 4)), apply: heads(4)},
		{rule: attention, name: "open length", in: types(floats(1, open, 4), floats(1, 2*open, 4), floats(1, 2*open, 4)), apply: heads(2)},
		{rule: attention, name: "biased", in: types(floats(open, 2, 4), floats(open, 3, 4), floats(open, 3, 4), floats(open, 2, 2, 3)), apply: biased(2)},
		{rule: attention, name: "bias of all heads", in: types(floats(open, 2, 4), floats(open, 3, 4), floats(open, 3, 4), floats(1, 1, 2, 3)), apply: biased(2)},
		{rule: attention, name: "biased, open length", in: types(floats(2, open, 4), floats(2, open, 4), floats(2, open, 4), floats(2, 1, open, open)), apply: biased(2)},
		{rule: attention, name: "of one value", in: types(floats(open, 3, 4)), apply: ofOne(func(x *graph.Value) *graph.Value {
			return graph.MultiHeadAttention(x, x, x, 2)
		})},
	}
}

func TestDifferences(t *testing.T) {
	for _, test := range differences() {
		t.Run(test.rule+" "+test.name, func(t *testing.T) { test.check(t, test.in) })
		if numbered := concrete(test.in); !test.open && !slices.EqualFunc(numbered, test.in, sameType) {
			t.Run(test.rule+" "+test.name+" numbered", func(t *testing.T) { test.check(t, numbered) })
		}
	}
}

func sameType(a, b graph.Type) bool { return a.DType == b.DType && a.Shape.Equal(b.Shape) }

// concrete puts a number in the place of the batch.
func concrete(in []graph.Type) []graph.Type {
	list := slices.Clone(in)
	for i, operand := range in {
		list[i].Shape = operand.Shape.Concrete(batch)
	}
	return list
}

func (d difference) check(t *testing.T, in []graph.Type) {
	var given []ort.Tensor
	var seed []float32
	random := source(5)
	built := build(t, func(g *graph.Graph) {
		var operands, differentiable []*graph.Value
		for i, operand := range in {
			operands = append(operands, g.Input(letter(i), operand.DType, operand.Shape...))
			given = append(given, d.draw(random, operand))
			if operand.DType == graph.Float32 {
				differentiable = append(differentiable, operands[i])
			}
		}
		y := d.apply(operands)
		shape := y.Shape.Concrete(batch)
		count, _ := graph.Shape(shape).Elements()
		seed = uniform(random, count, -1, 1)
		if len(shape) == 0 {
			y, shape = graph.Reshape(y, 1), []int64{1}
		}
		given = append(given, ort.Floats(seed, shape...))
		differentiate(t, d.rule, y, differentiable)
	})
	session := load(t, built)
	gradients := run(t, session, given)[1:]
	for i := range gradients { // integers stand behind
		expectClose(t, "gradient of "+letter(i), gradients[i].Floats, slopes(t, session, given, i, seed), 3e-4)
	}
}

func (d difference) draw(random *rand.Rand, operand graph.Type) ort.Tensor {
	shape := operand.Shape.Concrete(batch)
	count, _ := graph.Shape(shape).Elements()
	low := d.low
	if low == 0 {
		low = -1.5
	}
	if operand.DType == graph.Float32 {
		return ort.Floats(uniform(random, count, low, 1.5), shape...)
	}
	values := make([]int64, count)
	for i := range values {
		values[i] = random.Int64N(3)
	}
	return ort.Ints(values, shape...)
}

// slopes are the finite differences of the sum of seed * y with respect to
// every number of an operand, of fourth order: their error is far below that of
// float32.
func slopes(t *testing.T, session *ort.Session, given []ort.Tensor, operand int, seed []float32) []float32 {
	const step = 1.0 / 16
	values := given[operand].Floats
	slopes := make([]float32, len(values))
	for i, value := range values {
		at := func(steps float32) float64 {
			values[i] = value + steps*step
			return weighted(run(t, session, given)[0].Floats, seed)
		}
		slopes[i] = float32((8*(at(1)-at(-1)) - (at(2) - at(-2))) / (12 * step))
		values[i] = value
	}
	return slopes
}

// weighted is the sum of weight * value.
func weighted(values, weights []float32) float64 {
	sum := 0.0
	for i, value := range values {
		sum += float64(value) * float64(weights[i])
	}
	return sum
}
