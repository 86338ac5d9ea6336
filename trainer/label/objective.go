package label

import (
	"polylens/encoder/graph"
	"polylens/trainer/learner"
)

// prefix begins the names of what the objective declares.
const prefix = "label."

// Names under which a step reports its losses, without weights, and the share of its
// pictures whose item is predicted right.
const (
	ItemReport     = "label_item_loss"
	TextReport     = "label_text_loss"
	AccuracyReport = "label_accuracy"
)

// Inputs of a step: for each picture a distribution over the labels.
const (
	itemInput = prefix + "item_targets" // float32 [B, items]
	textInput = prefix + "text_targets" // float32 [B, texts], zeros for a picture without such a text
)

// Objective is a loss of pictures by their labels.
type Objective struct {
	config Config
	labels *Labels
}

// NewObjective makes the loss for the labels of some pictures.
func NewObjective(config Config, labels *Labels) *Objective { return &Objective{config, labels} }

// Compose implements learner.Objective. The vision tower has to be trained.
func (o *Objective) Compose(c *learner.Composition) *graph.Value {
	if !c.Plan.Mode.ChangesPictures(c.Plan.LoRA) {
		graph.Fail("label", "mode %q leaves the vision tower as it is, so it cannot learn labels: train it, or set labels.items and labels.texts to 0", c.Plan.Mode)
	}
	if o.config.Items > 0 {
		scores, target := o.compare(c, "items", itemInput, len(o.labels.items), ItemReport, o.config.Items)
		c.Report(AccuracyReport, accuracy(scores, target))
	}
	if o.config.Texts > 0 && len(o.labels.texts) > 0 {
		o.compare(c, "texts", textInput, len(o.labels.texts), TextReport, o.config.Texts)
	}
	return nil
}

// compare distinguishes pictures by vectors of their labels, which are trained.
func (o *Objective) compare(c *learner.Composition, name, input string, count int, report string, weight float64) (scores, target *graph.Value) {
	target = c.Graph.Input(input, graph.Float32, c.Plan.Pictures, int64(count))
	heads := c.Trained(prefix+name, zeros, int64(count), int64(c.Config.Dimension()))
	return surprise(c, o.centred(c.Pictures), heads, target, report, weight, o.config.Scale), target
}

// surprise adds the cross entropy of a softmax over labels to the step: the mean
// over rows x [N, D] of the sum of t (log of the sum of exp z - z) for targets t,
// where z are the products of x with a vector for each label, scaled. Its
// derivative with respect to z is s softmax(z) - t, where s is the sum of t.
func surprise(c *learner.Composition, x, labels, target *graph.Value, report string, weight, scale float64) (scores *graph.Value) {
	number := func(value float64) *graph.Value { return c.Graph.Floats(graph.Shape{1}, float32(value)) }
	scores = graph.Gemm(graph.Mul(x, number(scale)), labels, false, true)
	total := graph.ReduceSum(target, true, 1) // [N, 1]
	missing := graph.Sub(graph.Mul(total, logSumExp(scores)), graph.ReduceSum(graph.Mul(target, scores), true, 1))
	each := 1 / float64(x.Shape[0])
	loss := graph.Mul(graph.Reshape(graph.ReduceSum(missing, true), 1), number(each))
	c.Report(report, loss)
	derivative := graph.Mul(graph.Sub(graph.Mul(graph.Softmax(scores), total), target), number(weight*each))
	c.Derived(graph.Mul(loss, number(weight)), []*graph.Value{scores}, []*graph.Value{derivative})
	return scores
}

// centred are the vectors [B, D] that the layers look at: what they have in common
// taken off, and of length 1 again, if the configuration asks for it.
func (o *Objective) centred(pictures *graph.Value) *graph.Value {
	if !o.config.Centre {
		return pictures
	}
	return graph.Unit(graph.Sub(pictures, graph.ReduceMean(pictures, true, 0)))
}

func zeros([]float32, learner.Random) {} // every label is as likely

// logSumExp is the logarithm of the sum of exp x over rows [B, N]: [B, 1].
func logSumExp(x *graph.Value) *graph.Value {
	highest := graph.ReduceMax(x)
	return graph.Add(graph.Log(graph.ReduceSum(graph.Exp(graph.Sub(x, highest)), true, 1)), highest)
}

// accuracy is the share of rows in which the highest score is where the target
// is: [1].
func accuracy(scores, target *graph.Value) *graph.Value {
	hits := graph.Cast(graph.Equal(scores, graph.ReduceMax(scores)), graph.Float32)
	likely := graph.Cast(graph.Equal(target, graph.ReduceMax(target)), graph.Float32)
	right := graph.ReduceSum(graph.Mul(hits, likely), true, 1)
	return graph.Reshape(graph.ReduceMean(right, true, 0), 1)
}
