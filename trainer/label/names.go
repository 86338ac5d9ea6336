package label

import (
	"polylens/encoder/graph"
	"polylens/encoder/ort"
	"polylens/trainer/learner"
)

// NameReport is the name under which a step reports the loss of texts, without
// its weight.
const NameReport = "label_name_loss"

// nameInput is a distribution over the pictures of a step for each text: float32
// [T, B].
const nameInput = prefix + "name_targets"

// Names is a loss of texts by the pictures that they are compared with, beside the
// sigmoid loss: which of all of them a text is about. It is for pictures that stand
// for whole items. Whatever the temperature, items that are mistaken for one another
// get most of its weight, whereas the sigmoid loss of random texts gives most to what
// all items have in common.
type Names struct{ Weight, Scale float64 }

// Compose implements learner.Objective.
func (n Names) Compose(c *learner.Composition) *graph.Value {
	target := c.Graph.Input(nameInput, graph.Float32, c.Plan.Texts, c.Plan.Pictures)
	surprise(c, c.Texts, c.Pictures, target, NameReport, n.Weight, n.Scale)
	return nil
}

// Targets are the inputs of a step for so many texts whose relevance for the
// pictures is given, [T, B]: each text's is divided by its sum.
func (n Names) Targets(relevance []float32, texts int) map[string]ort.Tensor {
	targets, width := make([]float32, len(relevance)), len(relevance)/texts
	for row := range texts {
		own, sum := relevance[row*width:(row+1)*width], float32(0)
		for _, value := range own {
			sum += value
		}
		for i, value := range own {
			if sum > 0 {
				targets[row*width+i] = value / sum
			}
		}
	}
	return map[string]ort.Tensor{nameInput: ort.Floats(targets, int64(texts), int64(width))}
}
