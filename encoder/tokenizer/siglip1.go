package tokenizer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ParseSentencePiece reads the content of a sentencepiece model: spiece.model
// of SigLIP 1 (a unigram model) or tokenizer.model of SigLIP 2 (a byte-pair
// encoding).
func ParseSentencePiece(data []byte, o Options) (*Tokenizer, error) {
	if err := o.Cleaning.check(); err != nil {
		return nil, err
	}
	m, err := readSentencePiece(data)
	if err != nil {
		return nil, err
	}
	switch m.modelType {
	case spUnigram:
		return m.siglip1(o)
	case spBPE:
		return m.gemma(o)
	}
	return nil, fmt.Errorf("sentencepiece model has type %d; SigLIP 1 has 1 (unigram), SigLIP 2 has 2 (BPE)", m.modelType)
}

// siglipTokenizer does what SiglipTokenizer of transformers 5.23 does, to the
// letter: it cuts out the special tokens, cleans what lies between them and
// encodes it behind a text whose tokens it then drops.
type siglipTokenizer struct {
	special   addedTokens
	clean     func(string) string
	normalize *spNormalizer
	model     *unigram
	// Sentencepiece would drop a space at the beginning; behind this it stays.
	shield       string
	shieldTokens int
	space        int64 // the id of U+2581, -1: there is none
}

func (m *spModel) siglip1(o Options) (*Tokenizer, error) {
	unigram, unknown, err := m.unigram()
	if err != nil {
		return nil, err
	}
	normalize, err := m.normalizer()
	if err != nil {
		return nil, err
	}
	ids := m.ids()
	t := &Tokenizer{size: len(m.pieces), kind: KindUnigram, cleaning: o.Cleaning}
	if err := t.setSpecial(ids); err != nil {
		return nil, err
	}
	if t.cleaning == CleaningAuto {
		t.cleaning = CleaningCanonicalize
	}
	s := &siglipTokenizer{normalize: normalize, model: unigram, shield: m.pieces[unknown].text, space: -1}
	if s.special, err = newAddedTokens([]added{{content: "</s>", id: int32(t.eos)}, {content: s.shield, id: int32(unknown)}}); err != nil {
		return nil, err
	}
	if id, ok := ids[space]; ok {
		s.space = int64(id)
	}
	s.clean, t.clean = t.cleaning.perPart()
	s.shieldTokens = len(s.sentence(nil, s.shield, maxTextBytes, new(scratch)))
	t.pipeline = s
	return t, nil
}

// perPart returns what is done to each text between special tokens, as
// SiglipTokenizer cleans, and what is done to the text as typed.
func (c Cleaning) perPart() (part, whole func(string) string) {
	asIs := func(s string) string { return s }
	switch c {
	case CleaningCanonicalize:
		return canonicalize, nil
	case CleaningLowercase:
		return lower, nil
	}
	return asIs, c.textCleaner()
}

func (s *siglipTokenizer) tokens(text string, limit int) []int64 {
	limit = max(limit, 2) // a special token in second place takes back a space
	ids := make([]int64, 0, limit+1)
	var work scratch
	text = space + strings.ReplaceAll(text, space, " ")
	s.special.split(text, func(piece string, id int32) bool {
		switch {
		case id < 0:
			ids = s.part(ids, piece, limit, &work)
		case len(ids) == 1 && ids[0] == s.space:
			ids[0] = int64(id)
		default:
			ids = append(ids, int64(id))
		}
		return len(ids) < limit
	})
	return ids
}

// part appends the ids of a text without special tokens.
func (s *siglipTokenizer) part(ids []int64, text string, limit int, w *scratch) []int64 {
	done := len(ids)
	ids = s.sentence(ids, s.shield+s.clean(text), limit+s.shieldTokens, w)
	if len(ids)-done < s.shieldTokens {
		return ids
	}
	return append(ids[:done], ids[done+s.shieldTokens:]...)
}

// sentence appends the ids that sentencepiece gives a text.
func (s *siglipTokenizer) sentence(ids []int64, text string, limit int, w *scratch) []int64 {
	return s.model.appendWord(ids, s.normalize.normalize(text), limit, w)
}

// unigram makes the model as sentencepiece does: special pieces are never
// matched, those that a user defined always are, and scores have 32 bits.
func (m *spModel) unigram() (u *unigram, unknown int, err error) {
	lowest, highest, err := m.scores()
	if err != nil {
		return nil, 0, err
	}
	unknown = -1
	pieces := make([]piece, len(m.pieces))
	for id, p := range m.pieces {
		hidden := p.kind != spNormal && p.kind != spUserDefined
		pieces[id] = piece{p.text, float64(p.score), hidden}
		switch p.kind {
		case spUnknown:
			unknown = id
		case spUserDefined:
			pieces[id].score = float64(float32(len(p.text))*highest) - 0.1
		}
	}
	if u, err = newUnigram(pieces, unknown, 0, m.byteFallback); err != nil {
		return nil, 0, err
	}
	if m.byteFallback && slices.Min(u.bytes[:]) < 0 {
		return nil, 0, errors.New("sentencepiece model has byte_fallback, but lacks some of the pieces <0x00> to <0xFF>")
	}
	u.unkCost = float64(lowest - unknownPenalty)
	u.single = true
	return u, unknown, nil
}

// scores returns the lowest and the highest score of the normal pieces.
func (m *spModel) scores() (lowest, highest float32, err error) {
	found := false
	for _, p := range m.pieces {
		if p.kind != spNormal {
			continue
		}
		if !found {
			lowest, highest, found = p.score, p.score, true
		}
		lowest, highest = min(lowest, p.score), max(highest, p.score)
	}
	if !found {
		err = errors.New("sentencepiece model has no normal piece")
	}
	return lowest, highest, err
}
