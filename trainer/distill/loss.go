package distill

import "polylens/encoder/graph"

// answer is what a teacher says: a distribution over prototypes for each row.
type answer struct {
	shares  *graph.Value // [M, K]
	entropy *graph.Value // [1], the mean of all rows
}

// sharpened turns the cosines [M, K] of a teacher into its answer. centre is
// [K].
func (c Config) sharpened(cosines, centre *graph.Value) answer {
	logits := divided(graph.Sub(cosines, centre), c.TeacherTemperature)
	shares := graph.Softmax(logits)
	z := graph.Sub(logits, graph.ReduceMax(logits)) // nothing of a teacher is differentiated
	return answer{shares: shares, entropy: crossEntropy(shares, z)}
}

// unlikelihood is the cross-entropy [1] of a teacher's answer and the cosines of
// a student, who answers so many times for each of its rows: [M times, K].
func (c Config) unlikelihood(of answer, cosines *graph.Value, times int64) *graph.Value {
	rows, k := of.shares.Shape[0], of.shares.Shape[1]
	one := cosines.Graph().Floats(graph.Shape{1}, 1)
	z := divided(graph.Sub(cosines, one), c.StudentTemperature) // a cosine is at most 1
	return crossEntropy(graph.Reshape(of.shares, rows, 1, k), graph.Reshape(z, rows, times, k))
}

// crossEntropy is -sum p log softmax(z) along the last axis, the mean of all
// else: [1]. No z may be far above 0, and not all of a row far below.
func crossEntropy(p, z *graph.Value) *graph.Value {
	last := len(z.Shape) - 1
	logSum := graph.Log(graph.ReduceSum(graph.Exp(z), true, last))
	expected := graph.ReduceSum(graph.Mul(p, z), true, last) // p adds up to 1
	return graph.Reshape(graph.ReduceMean(graph.Sub(logSum, expected), false), 1)
}

func divided(x *graph.Value, by float64) *graph.Value {
	return graph.Mul(x, x.Graph().Floats(graph.Shape{1}, float32(1/by)))
}
