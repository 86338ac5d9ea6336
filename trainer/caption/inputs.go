package caption

import (
	"fmt"
	"math/rand/v2"

	"polylens/encoder/ort"
)

// Example is what is said about a picture.
type Example struct {
	Text string // "": nothing is learned of it
	Box  *Box   // where in the picture; nil: nobody knows
}

// NewExample is what a pair says about a picture: a text and, if it has the
// BoxAttribute, where in the picture.
func NewExample(text string, attributes map[string]string) (Example, error) {
	written, ok := attributes[BoxAttribute]
	if !ok {
		return Example{Text: text}, nil
	}
	box, err := ParseBox(written)
	if err != nil {
		return Example{}, err
	}
	return Example{Text: text, Box: &box}, nil
}

// Names of the inputs of a step. S is the number of sequences, which is that of
// the pictures, or three times that with boxes; R that of the tokens to predict.
const (
	idsInput     = Prefix + "input_ids" // int64 [S, L], what the decoder reads
	causalInput  = Prefix + "causal"    // float32 [S], 1 where no position sees a later one, else 0
	rowsInput    = Prefix + "rows"      // int64 [R], of S L, the positions that predict a token
	targetsInput = Prefix + "targets"   // int64 [R], the tokens that they are to predict
	weightsInput = Prefix + "weights"   // float32 [R], what each of them counts
)

// parallelStream separates these random numbers from others of the same seed.
const parallelStream = 0x63617074696f6e73

// Inputs are what a step takes beside the pictures that the examples are
// about, for learner.Batch.Extra. Which captions are predicted at once depends
// on seed and batch alone; batch numbers the batches of a run. Every token
// counts the same.
func (d *Decoder) Inputs(examples []Example, seed, batch uint64) (map[string]ort.Tensor, error) {
	random := rand.New(rand.NewPCG(seed^parallelStream, batch))
	in := inputs{Decoder: d}
	for _, example := range examples {
		in.addExample(example, random.Float64() < d.config.Parallel)
	}
	if len(in.rows) == 0 {
		return nil, fmt.Errorf("none of the %d pictures of a batch has a caption to learn from", len(examples))
	}
	return in.tensors()
}

// inputs are the inputs of a step that is being filled.
type inputs struct {
	*Decoder
	ids, rows, expected []int64
	causal              []float32
}

func (in *inputs) addExample(example Example, parallel bool) {
	text, box, length := example.Text, example.Box, int(in.length)
	if text == "" {
		in.add(sequence{}, false)
	} else {
		in.add(in.targets.ofCaption(text, length), parallel)
	}
	switch {
	case !in.config.Boxes:
	case text == "" || box == nil:
		in.add(sequence{}, false)
		in.add(sequence{}, false)
	default:
		in.add(in.targets.ofBox(text, *box, length), false)
		in.add(in.targets.ofPlace(text, *box, length), false)
	}
}

// add adds a sequence. Each position reads the token before the one that it
// predicts, or, in parallel, nothing but masks, in the place of the prefix too.
func (in *inputs) add(s sequence, parallel bool) {
	start := len(in.ids)
	in.ids = append(in.ids, in.words.pad)
	in.ids = append(in.ids, s.tokens...)
	for len(in.ids) < start+int(in.length) {
		in.ids = append(in.ids, in.words.pad)
	}
	in.ids = in.ids[:start+int(in.length)] // nobody reads the last token
	in.causal = append(in.causal, 1)
	if parallel {
		in.causal[len(in.causal)-1] = 0
		for i := range in.ids[start:] {
			in.ids[start+i] = in.mask()
		}
	}
	for i := s.given; i < len(s.tokens); i++ {
		in.rows, in.expected = append(in.rows, int64(start+i)), append(in.expected, s.tokens[i])
	}
}

func (in *inputs) tensors() (map[string]ort.Tensor, error) {
	for _, id := range in.expected {
		if id < 0 || id >= in.vocabulary {
			return nil, fmt.Errorf("the tokenizer gives token %d, and the model has %d: they do not belong together", id, in.vocabulary)
		}
	}
	count := int64(len(in.rows))
	weights := make([]float32, count)
	for i := range weights {
		weights[i] = 1 / float32(count)
	}
	sequences := int64(len(in.causal))
	return map[string]ort.Tensor{
		idsInput: ort.Ints(in.ids, sequences, in.length), causalInput: ort.Floats(in.causal, sequences),
		rowsInput: ort.Ints(in.rows, count), targetsInput: ort.Ints(in.expected, count), weightsInput: ort.Floats(weights, count),
	}, nil
}
