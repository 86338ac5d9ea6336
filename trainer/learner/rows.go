package learner

import (
	"slices"
	"strings"

	"polylens/encoder/siglip2"
	"polylens/trainer/optim"
)

// A table is named tower + tableName. Its rows are looked up by the texts of a
// batch, if the tower is the text tower, else by the input of an objective that is
// named tower + siglip2.TextInput.
const (
	tableName = "embeddings.token_embedding.weight"
	textTower = "text_model."
)

func isTable(name string) bool { return strings.HasSuffix(name, tableName) }

// rowsTogether is how many rows of a table make one block: enough to make an update
// of them worth a call.
const rowsTogether = 16

// table is a parameter whose rows are looked up. A run uses only a part of a
// vocabulary of 256,000. The other rows have no gradient, moments of zero and no
// weight decay, so an update would leave them as they are: they are left out of it,
// and their gradients and moments never take memory.
type table struct {
	Parameter
	width int
	live  []bool // blocks of rows that have had a gradient
	held  []bool // rows that keep their values; nil for none
	dirty []int  // rows whose gradient is not zero
}

func tables(parameters []Parameter) []*table {
	var list []*table
	for _, parameter := range parameters {
		if isTable(parameter.Name) {
			rows := int(parameter.Shape[0])
			list = append(list, &table{
				Parameter: parameter, width: int(parameter.Shape[1]), live: make([]bool, (rows+rowsTogether-1)/rowsTogether),
			})
		}
	}
	return list
}

// holds reports whether a row keeps its values.
func (t *table) holds(row int) bool { return t.held != nil && t.held[row] }

// touch notes that rows get a gradient. Numbers that are not rows are ignored.
func (t *table) touch(rows []int64) {
	for _, row := range rows {
		if row < 0 || row >= t.Shape[0] {
			continue
		}
		t.live[row/rowsTogether] = t.live[row/rowsTogether] || !t.holds(int(row))
		t.dirty = append(t.dirty, int(row))
	}
}

// clean sets the gradients of rows that had one to zero.
func (t *table) clean(gradients []float32) {
	own := t.In(gradients)
	for _, row := range t.dirty {
		clear(own[row*t.width : (row+1)*t.width])
	}
	t.dirty = t.dirty[:0]
}

// hold sets the gradients of rows that keep their values to zero, which an
// update then leaves as they are: their moments are zero too.
func (t *table) hold(gradients []float32) {
	own := t.In(gradients)
	for _, row := range t.dirty {
		if t.holds(row) {
			clear(own[row*t.width : (row+1)*t.width])
		}
	}
}

// restore finds the rows that have had a gradient by their second moments.
func (t *table) restore(second []float32) {
	own, block := t.In(second), rowsTogether*t.width
	for i := range t.live {
		some := own[i*block : min((i+1)*block, len(own))]
		t.live[i] = slices.ContainsFunc(some, func(moment float32) bool { return moment != 0 })
	}
}

// spans are the ranges of rows that have had a gradient.
func (t *table) spans(rate float64) []optim.Span {
	var spans []optim.Span
	block := rowsTogether * t.width
	for i, live := range t.live {
		if !live {
			continue
		}
		start := t.Offset + i*block
		end := min(start+block, t.Offset+t.Elements())
		if last := len(spans) - 1; last >= 0 && spans[last].End == start {
			spans[last].End = end
			continue
		}
		spans = append(spans, optim.Span{Start: start, End: end, Rate: rate})
	}
	return spans
}

// touch notes which rows of tables a batch uses. Other rows must not count: a run
// that goes on from a checkpoint does not know about them, and would update in other
// pieces, with other sums.
func (s *State) touch(batch Batch) {
	for _, t := range s.tables {
		tower := strings.TrimSuffix(t.Name, tableName)
		if tower == textTower {
			t.touch(batch.Texts.Ints)
		} else {
			t.touch(batch.Extra[tower+siglip2.TextInput].Ints)
		}
	}
}

// Restrict lets only the given rows of the vocabulary learn, its tokens, and
// reports whether there is a vocabulary among the parameters. It is to be called
// before the first step.
func (s *State) Restrict(tokens []int64) bool {
	for _, t := range s.tables {
		t.held = slices.Repeat([]bool{true}, int(t.Shape[0]))
		for _, token := range tokens {
			t.held[token] = false
		}
	}
	return len(s.tables) > 0
}

// ClearGradients sets all gradients to zero.
func (s *State) ClearGradients() {
	start := 0
	for _, t := range s.tables {
		clear(s.Gradients[start:t.Offset])
		t.clean(s.Gradients)
		start = t.Offset + t.Elements()
	}
	clear(s.Gradients[start:])
}

// Restored is to be called when the memory has been filled from a checkpoint.
func (s *State) Restored() {
	for _, t := range s.tables {
		t.restore(s.Second)
	}
}

// tableOf is the table of a parameter, nil if its rows are not looked up.
func (s *State) tableOf(name string) *table {
	for _, t := range s.tables {
		if t.Name == name {
			return t
		}
	}
	return nil
}
