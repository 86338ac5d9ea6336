package caption

import (
	"context"
	"fmt"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
	"polylens/trainer/learner"
)

// Names of a writer's input and output beside those of a step.
const (
	tokensInput  = "tokens" // float32 [B*N, W]
	scoresOutput = "scores" // float32 [B, V]
)

// Writer writes captions of pictures, to see what a decoder has learned.
type Writer struct {
	decoder  *Decoder
	pictures int64
	session  *ort.Session
	inputs   []ort.Port
}

// OpenWriter prepares to write captions of so many pictures at once, each of so
// many tokens. Close frees the writer.
func (d *Decoder) OpenWriter(environment *ort.Environment, pictures, tokens int64, options ort.Options) (*Writer, error) {
	g, err := graph.Build("caption_writer", func(g *graph.Graph) {
		s := &stack{Decoder: d, graph: g, pictures: pictures, parameter: func(name string, _ start, shape ...int64) *graph.Value {
			return g.Input(name, graph.Float32, shape...)
		}}
		s.score(g.Input(tokensInput, graph.Float32, pictures*tokens, d.seen))
	})
	if err != nil {
		return nil, err
	}
	w := &Writer{decoder: d, pictures: pictures, inputs: ports(g.Inputs)}
	w.session, err = environment.NewSession(ort.Model{Graph: g.Encode(), Inputs: w.inputs, Outputs: ports(g.Outputs)}, options)
	return w, err
}

// score gives the scores of all tokens at one position of each picture's text.
func (s *stack) score(tokens *graph.Value) {
	g := s.graph
	ids := g.Input(idsInput, graph.Int64, s.pictures, s.length)
	states := s.states(tokens, ids, g.Input(causalInput, graph.Float32, s.pictures))
	states = graph.Gather(states, g.Input(rowsInput, graph.Int64, s.pictures))
	var scores []*graph.Value
	for _, part := range s.head() {
		scores = append(scores, part.scores(states))
	}
	g.Output(scoresOutput, graph.Concat(1, scores...))
}

func ports(values []*graph.Value) []ort.Port {
	list := make([]ort.Port, len(values))
	for i, value := range values {
		list[i] = ort.Port{Name: value.Name, Shape: value.Shape, Type: ort.ElementType(value.DType)}
	}
	return list
}

// Caption gives the tokens of a caption of each picture, without the end, with
// the decoder's weights in state: the likeliest token each time. tokens [B*N, W]
// are the pictures' before they are pooled.
func (w *Writer) Caption(ctx context.Context, state *learner.State, tokens ort.Tensor) ([][]int64, error) {
	given := map[string]ort.Tensor{tokensInput: tokens}
	for i, parameter := range state.Parameters {
		given[parameter.Name] = ort.Floats(state.Weight(i), parameter.Shape...)
	}
	d := w.decoder
	texts := make([]text, w.pictures)
	for i := range texts {
		texts[i].tokens = append(texts[i].tokens, d.targets.caption...)
	}
	for position := len(d.targets.caption); position < int(d.length); position++ {
		scores, err := w.next(ctx, given, texts, position)
		if err != nil {
			return nil, err
		}
		for i := range texts {
			texts[i].add(likeliest(scores, i, len(texts)), d.words.end)
		}
	}
	captions := make([][]int64, w.pictures)
	for i, text := range texts {
		captions[i] = text.tokens[len(d.targets.caption):]
	}
	return captions, nil
}

// text is a text that is being written.
type text struct {
	tokens []int64
	ended  bool
}

func (t *text) add(token, end int64) {
	t.ended = t.ended || token == end
	if !t.ended {
		t.tokens = append(t.tokens, token)
	}
}

// next scores what may stand at a position of the texts.
func (w *Writer) next(ctx context.Context, given map[string]ort.Tensor, texts []text, position int) ([]float32, error) {
	in := inputs{Decoder: w.decoder}
	rows := make([]int64, len(texts))
	for i, text := range texts {
		in.add(sequence{tokens: text.tokens}, false)
		rows[i] = int64(i)*w.decoder.length + int64(position)
	}
	given[idsInput] = ort.Ints(in.ids, w.pictures, w.decoder.length)
	given[causalInput] = ort.Floats(in.causal, w.pictures)
	given[rowsInput] = ort.Ints(rows, w.pictures)
	tensors := make([]ort.Tensor, len(w.inputs))
	for i, port := range w.inputs {
		tensor, ok := given[port.Name]
		if !ok {
			return nil, fmt.Errorf("writing captions: %q is not trained", port.Name)
		}
		tensors[i] = tensor
	}
	results, err := w.session.Run(ctx, tensors...)
	if err != nil {
		return nil, fmt.Errorf("writing captions: %w", err)
	}
	return results[0].Floats, nil
}

// likeliest is the token with the highest score in one of so many rows.
func likeliest(scores []float32, row, rows int) int64 {
	size := len(scores) / rows
	best := 0
	for i, score := range scores[row*size : (row+1)*size] {
		if score > scores[row*size+best] {
			best = i
		}
	}
	return int64(best)
}

// Close frees the writer.
func (w *Writer) Close() error { return w.session.Close() }
