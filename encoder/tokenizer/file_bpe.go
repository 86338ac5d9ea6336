package tokenizer

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

func (f *file) newBPE() (model, error) {
	e := &f.Model
	if e.Dropout != 0 {
		return nil, fmt.Errorf("model has dropout %g; want none", e.Dropout)
	}
	if e.Prefix != "" || e.Suffix != "" {
		return nil, errors.New("model has continuing_subword_prefix or end_of_word_suffix; SigLIP 2 has neither")
	}
	vocab, err := f.large.tokens()
	if err != nil {
		return nil, fmt.Errorf("not a readable vocabulary: %w", err)
	}
	f.ids = vocab
	for _, id := range vocab {
		f.size = max(f.size, int(id)+1)
	}
	m := newBPE(vocab, e.FuseUnk, e.ByteFallback)
	if e.UnkToken != nil {
		id, ok := vocab[*e.UnkToken]
		if !ok {
			return nil, fmt.Errorf("unk_token %q is not in the vocabulary", *e.UnkToken)
		}
		m.unk = id
	}
	if e.IgnoreMerges {
		m.whole = vocab
	}
	if err := f.readMerges(m); err != nil {
		return nil, err
	}
	m.atomic = m.isAtomic()
	return m, nil
}

// newBPE makes a model without merges and without a token for the unknown.
func newBPE(vocab map[string]int32, fuseUnk, byteFallback bool) *bpe {
	m := &bpe{
		unk:       -1,
		fuseUnk:   fuseUnk,
		runes:     make(map[rune]int32),
		crossable: make(map[[2]rune]struct{}),
	}
	for i := range m.bytes {
		m.bytes[i] = -1
		if id, ok := vocab[fmt.Sprintf("<0x%02X>", i)]; ok && byteFallback {
			m.bytes[i] = id
		}
	}
	for token, id := range vocab {
		if r, n := utf8.DecodeRuneInString(token); n > 0 && n == len(token) {
			m.runes[r] = id
		}
	}
	return m
}

func (f *file) readMerges(m *bpe) error {
	m.merges = make(map[pair]merge, f.large.mergeCount())
	rank := int32(0)
	var both []byte
	return f.large.eachMerge(func(left, right []byte) error {
		leftID, okLeft := f.ids[string(left)]
		rightID, okRight := f.ids[string(right)]
		both = append(append(both[:0], left...), right...)
		id, ok := f.ids[string(both)]
		if !okLeft || !okRight || !ok {
			return fmt.Errorf("merge %d: %q, %q or the two together is not in the vocabulary", rank, left, right)
		}
		a, _ := utf8.DecodeLastRune(left)
		b, _ := utf8.DecodeRune(right)
		m.addMerge(pair{leftID, rightID}, merge{rank, id}, [2]rune{a, b})
		rank++
		return nil
	})
}

// addMerge adds a merge; crossed are the two characters that it joins. Of two
// merges of the same pair the later counts, as in Hugging Face tokenizers.
func (m *bpe) addMerge(of pair, to merge, crossed [2]rune) {
	m.merges[of] = to
	m.crossable[crossed] = struct{}{}
}
