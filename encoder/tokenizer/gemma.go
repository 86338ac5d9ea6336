package tokenizer

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// gemma makes of a byte-pair encoding of sentencepiece what the GemmaConverter
// of transformers 5.23 makes of it, and with it what the tokenizer.json of
// SigLIP 2 holds.
func (m *spModel) gemma(o Options) (*Tokenizer, error) {
	vocab := m.ids()
	m.addTab(vocab)
	b := newBPE(vocab, true, true)
	if id, ok := vocab["<unk>"]; ok {
		b.unk = id
	}
	m.addMerges(b, vocab)
	b.atomic = b.isAtomic()

	added, err := newAddedTokens(m.addedTokens())
	if err != nil {
		return nil, err
	}
	t := &Tokenizer{size: len(m.pieces), kind: KindBPE, cleaning: o.Cleaning}
	if t.cleaning == CleaningAuto {
		t.cleaning = CleaningLowercase
	}
	t.clean = t.cleaning.textCleaner()
	p := &jsonPipeline{before: added, split: wholeText{}, model: b}
	if t.cleaning == CleaningLowercase {
		p.normalize = append(p.normalize, lower)
	}
	p.normalize = append(p.normalize, func(s string) string { return strings.ReplaceAll(s, " ", space) })
	t.pipeline = p
	return t, t.setSpecial(vocab)
}

// addTab lets the token of the byte 9 stand for the tabulator, which the first
// Gemma vocabulary forgot.
func (m *spModel) addTab(vocab map[string]int32) {
	if _, ok := vocab["\t"]; ok {
		return
	}
	if id, ok := vocab["<0x09>"]; ok {
		m.pieces[id] = spPiece{text: "\t", kind: spNormal}
		vocab["\t"] = id
		delete(vocab, "<0x09>")
	}
}

// addedTokens returns the pieces that are cut out of a text before any merge.
func (m *spModel) addedTokens() []added {
	var list []added
	for id, p := range m.pieces {
		if p.kind == spUnknown || p.kind == spControl || p.kind == spUserDefined {
			list = append(list, added{content: p.text, id: int32(id)})
		}
	}
	return list
}

// cutting is one of the ways to make a piece of two others.
type cutting struct {
	pair
	id      int32
	joined  [2]rune
	score   float32
	lengths [2]int // of the two, in characters
}

// addMerges adds all the ways to make a piece of two others. Sentencepiece
// merges what gives the piece of the highest score.
func (m *spModel) addMerges(b *bpe, vocab map[string]int32) {
	var list []cutting
	for id, p := range m.pieces {
		list = appendCuttings(list, vocab, int32(id), p)
	}
	slices.SortStableFunc(list, func(x, y cutting) int {
		return cmp.Or(cmp.Compare(y.score, x.score), cmp.Compare(y.lengths[0], x.lengths[0]), cmp.Compare(y.lengths[1], x.lengths[1]))
	})
	b.merges = make(map[pair]merge, len(list))
	for rank, c := range list {
		b.addMerge(c.pair, merge{int32(rank), c.id}, c.joined)
	}
}

func appendCuttings(list []cutting, vocab map[string]int32, id int32, p spPiece) []cutting {
	from := len(list)
	length := utf8.RuneCountInString(p.text)
	characters := 0
	for i, r := range p.text {
		if i > 0 {
			characters++
			left, okLeft := vocab[p.text[:i]]
			right, okRight := vocab[p.text[i:]]
			if okLeft && okRight {
				before, _ := utf8.DecodeLastRuneInString(p.text[:i])
				list = append(list, cutting{pair: pair{left, right}, id: id, joined: [2]rune{before, r}, score: p.score,
					lengths: [2]int{characters, length - characters}})
			}
		}
	}
	slices.SortStableFunc(list[from:], func(x, y cutting) int {
		return cmp.Or(cmp.Compare(x.left, y.left), cmp.Compare(x.right, y.right))
	})
	return list
}
