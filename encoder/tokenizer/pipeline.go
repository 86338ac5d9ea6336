package tokenizer

import (
	"strings"
	"unicode"
)

// jsonPipeline does what a tokenizer.json says, as Hugging Face tokenizers does
// it: added tokens, normalizers, pre-tokenizer, model.
type jsonPipeline struct {
	before    addedTokens // matched in the text as typed
	after     addedTokens // matched in the normalized text
	normalize normalizers
	split     splitter
	model     model
}

// normalizers are applied one after the other.
type normalizers []func(string) string

func (n normalizers) apply(s string) string {
	for _, step := range n {
		s = clip(step(s), maxNormalized)
	}
	return s
}

func (p *jsonPipeline) tokens(text string, limit int) []int64 {
	e := encoder{jsonPipeline: p, limit: limit, ids: make([]int64, 0, limit+1)}
	e.text(text)
	return e.ids
}

// encoder is the state of one call of Encode.
type encoder struct {
	*jsonPipeline
	limit int
	ids   []int64
	work  scratch
}

func (e *encoder) full() bool { return len(e.ids) >= e.limit }

// text cuts out the added tokens of the text as typed, then goes on with what
// lies between them.
func (e *encoder) text(s string) {
	first := true
	e.before.split(s, func(piece string, id int32) bool {
		if id >= 0 {
			e.ids = append(e.ids, int64(id))
		} else {
			e.normalized(e.normalize.apply(piece), first)
		}
		first = false
		return !e.full()
	})
}

// normalized cuts out the added tokens that are matched after normalization
// and encodes the rest.
func (e *encoder) normalized(s string, first bool) {
	e.after.split(s, func(piece string, id int32) bool {
		if id >= 0 {
			e.ids = append(e.ids, int64(id))
		} else {
			e.words(piece, first)
		}
		first = false
		return !e.full()
	})
}

func (e *encoder) words(s string, first bool) {
	e.split.each(s, first, func(word string) bool {
		e.ids = e.model.appendWord(e.ids, word, e.limit, &e.work)
		return !e.full()
	})
}

// strip is the Strip normalizer.
func strip(left, right bool) func(string) string {
	return func(s string) string {
		if left {
			s = strings.TrimLeftFunc(s, unicode.IsSpace)
		}
		if right {
			s = strings.TrimRightFunc(s, unicode.IsSpace)
		}
		return s
	}
}
