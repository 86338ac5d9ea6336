package tokenizer

import (
	"fmt"
	"os"
	"path/filepath"
)

// maxTextBytes bounds the work that one text can cause. Encode reads no
// further, which changes nothing as long as the text has, somewhere after its
// first tokens, a place that no merge can cross: with Gemma, any space.
const maxTextBytes = 1 << 17

// Tokenizer turns text into token ids. It is read-only after Open and safe for
// concurrent use.
type Tokenizer struct {
	before    addedTokens // matched in the text as typed
	after     addedTokens // matched in the normalized text
	normalize []replacement
	split     splitter
	model     *model
	pad, eos  int64
	size      int
}

// Open reads tokenizer.json in the model directory. The error names the file
// and what in it is not as SigLIP 2 has it.
func Open(modelDir string) (*Tokenizer, error) {
	path := filepath.Join(modelDir, "tokenizer.json")
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the tokenizer of the model: %w", err)
	}
	t, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("tokenizer %s: %w", path, err)
	}
	return t, nil
}

// Size returns the number of token ids: every id that Encode returns is below
// it. A model's token embedding must have at least so many rows.
func (t *Tokenizer) Size() int { return t.size }

// Encode returns exactly length token ids: those of the text, then <eos>, then
// <pad>. A text that is too long loses its end and keeps the <eos>. Bytes that
// are not UTF-8 count as U+FFFD.
func (t *Tokenizer) Encode(text string, length int) []int64 {
	if length <= 0 {
		return nil
	}
	ids := t.tokens(text, length-1)
	ids = append(ids, t.eos)
	for len(ids) < length {
		ids = append(ids, t.pad)
	}
	return ids
}

// tokens returns the first limit ids of the text, with room for length ids.
func (t *Tokenizer) tokens(text string, limit int) []int64 {
	e := encoder{Tokenizer: t, limit: limit, ids: make([]int64, 0, limit+1)}
	if limit > 0 {
		e.text(toValidUTF8(clip(text)))
	}
	return e.ids[:min(len(e.ids), limit)]
}

// encoder is the state of one call of Encode.
type encoder struct {
	*Tokenizer
	limit int
	ids   []int64
	word  word
}

func (e *encoder) full() bool { return len(e.ids) >= e.limit }

// text cuts out the added tokens of the text as typed, then goes on with what
// lies between them.
func (e *encoder) text(s string) {
	e.before.split(s, func(piece string, id int32) bool {
		if id >= 0 {
			e.ids = append(e.ids, int64(id))
		} else {
			e.normalized(e.normalizeText(piece))
		}
		return !e.full()
	})
}

// normalized cuts out the added tokens that are matched after normalization
// and encodes the rest.
func (e *encoder) normalized(s string) {
	e.after.split(s, func(piece string, id int32) bool {
		if id >= 0 {
			e.ids = append(e.ids, int64(id))
		} else {
			e.split.each(piece, func(w string) bool {
				e.ids = e.model.appendWord(e.ids, w, e.limit, &e.word)
				return !e.full()
			})
		}
		return !e.full()
	})
}

func (t *Tokenizer) normalizeText(s string) string {
	s = lower(s)
	for _, r := range t.normalize {
		s = r.apply(s)
	}
	return s
}
