package caption

import "polylens/encoder/graph"

// part is a part of the last layer: the tokens from first up to first + size.
type part struct {
	first, size  int64
	weight, bias *graph.Value // [size, D], [size]
}

// entropy is a cross entropy with its derivatives.
type entropy struct {
	loss                *graph.Value // [1]
	values, derivatives []*graph.Value
}

// crossEntropy is the sum of weight (log of the sum of exp z - z of the target)
// over rows x [R, D], where z are the scores that the parts give to the tokens
// of the vocabulary; targets are int64 [R], weights float32 [R] and positive.
//
// There are 256,000 tokens, and at 3,000 rows their scores alone are 3 GB. So they
// are never in memory together: each part is scored, reduced to two numbers a row,
// and forgotten; when those of all parts are known, each is scored again for its
// derivatives, exp(z - log of the sum) - 1 at the target, of which the gradients of
// its weights and its share in that of x are made at once. This is a third more work
// than keeping the scores. Parts of the vocabulary rather than of the rows, because
// then every weight has its gradient from one product, and nothing as large as the
// layer is added up.
//
// It has its own derivative rather than autodiff's, because autodiff keeps everything
// that the way back needs, and goes back part by part only where the graph ends in
// parts.
func crossEntropy(x, targets, weights *graph.Value, parts []part) entropy {
	rows := x.Shape[0]
	targets, weights = graph.Reshape(targets, rows, 1), graph.Reshape(weights, rows, 1)
	all, target := reduced(x, targets, parts)
	loss := graph.ReduceSum(graph.Mul(graph.Sub(all, target), weights), true)
	l := entropy{loss: graph.Reshape(loss, 1)}
	// exp(z - (all - log weight)) is weight exp(z - all), without another pass
	// over all scores.
	l.differentiate(x, targets, weights, graph.Sub(all, graph.Log(weights)), parts)
	return l
}

// reduced gives the logarithm of the sum of exp z, and z of the target: each
// [R, 1].
func reduced(x, targets *graph.Value, parts []part) (all, target *graph.Value) {
	rows, count := x.Shape[0], int64(len(parts))
	pairs := make([]*graph.Value, count)
	for i, p := range parts {
		scores := p.scores(x)
		column, inside := p.columns(targets)
		// One value of both, so that the runtime computes both before it goes on
		// to the next part.
		pairs[i] = graph.Concat(1, logSumExp(scores), graph.Mul(graph.PickColumns(scores, column), inside))
	}
	table := graph.Transpose(graph.Reshape(graph.Concat(1, pairs...), rows, count, 2), 0, 2, 1) // [R, 2, parts]
	sums := graph.Reshape(graph.Slice(table, 1, 0, 1), rows, count)
	picked := graph.Reshape(graph.Slice(table, 1, 1, 2), rows, count)
	return logSumExp(sums), graph.ReduceSum(picked, true, 1)
}

// logSumExp is the logarithm of the sum of exp x over rows [R, N]: [R, 1].
func logSumExp(x *graph.Value) *graph.Value {
	highest := graph.ReduceMax(x)
	return graph.Add(graph.Log(graph.ReduceSum(graph.Exp(graph.Sub(x, highest)), true, 1)), highest)
}

// differentiate goes through the parts from the last to the first, in the order
// in which the learner asks for gradients. Each part's gradient of weights comes
// after its share in that of x, so that no part's derivatives wait for anyone.
func (l *entropy) differentiate(x, targets, weights, level *graph.Value, parts []part) {
	var dx *graph.Value
	for i := len(parts) - 1; i >= 0; i-- {
		p := parts[i]
		column, inside := p.columns(targets)
		dz := graph.Exp(graph.Sub(p.scores(x), level)) // [R, size]
		dz = graph.AddToColumns(dz, column, graph.Neg(graph.Mul(weights, inside)))
		share := graph.Gemm(dz, p.weight, false, false)
		if dx != nil {
			share = graph.Add(dx, share)
		}
		dx = share
		dBias := graph.Reshape(graph.ReduceSum(dz, true, 0), p.size)
		dWeight := graph.Gemm(graph.After(dz, dx, dBias), x, true, false)
		l.values, l.derivatives = append(l.values, p.weight, p.bias), append(l.derivatives, dWeight, dBias)
	}
	l.values, l.derivatives = append(l.values, x), append(l.derivatives, dx)
}

// scores are z: [R, size].
func (p part) scores(x *graph.Value) *graph.Value { return graph.Linear(x, p.weight, p.bias) }

// columns says where in the part the targets [R, 1] are, and whether they are there
// at all: 1, or 0 beside any column.
func (p part) columns(targets *graph.Value) (column, inside *graph.Value) {
	g := targets.Graph()
	first, last := g.Ints(0), g.Ints(p.size-1)
	exact := graph.Sub(targets, g.Ints(p.first))
	column = graph.Where(graph.Greater(exact, last), last, exact)
	column = graph.Where(graph.Greater(first, column), first, column)
	return column, graph.Cast(graph.Equal(column, exact), graph.Float32)
}
