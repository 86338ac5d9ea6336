package tokenizer

import (
	"fmt"
	"math"
	"unicode/utf8"
)

const (
	// unknownPenalty is what a character without a piece scores below the worst
	// piece.
	unknownPenalty = 10
	// maxPiece bounds the bytes of a piece, and with it the work for each
	// character of a text. Sentencepiece trains pieces of up to 16 characters.
	maxPiece = 256
)

// unigram splits a word into the pieces whose scores have the greatest sum.
type unigram struct {
	pieces  trie
	scores  []float64 // by id
	unknown int32
	unkCost float64 // the score of a character without a piece
	bytes   [256]int32
	// fallback: characters without a piece become their bytes.
	fallback bool
	// single: scores add up in 32 bits, as in sentencepiece; Hugging Face
	// tokenizers has 64.
	single bool
}

// piece is an entry of the vocabulary; its place there is its id.
type piece struct {
	text  string
	score float64
	// hidden: the text never stands for the piece, but its score counts.
	hidden bool
}

// newUnigram makes a model of the pieces. lowest is the lowest score that
// counts for the penalty of unknown characters.
func newUnigram(pieces []piece, unknown int, lowest float64, fallback bool) (*unigram, error) {
	if unknown < 0 || unknown >= len(pieces) {
		return nil, fmt.Errorf("unk_id is %d; want one of the %d pieces of the vocabulary", unknown, len(pieces))
	}
	m := &unigram{unknown: int32(unknown), unkCost: lowest - unknownPenalty, fallback: fallback}
	m.scores = make([]float64, len(pieces))
	entries := make([]entry, 0, len(pieces))
	total := 0
	for id, p := range pieces {
		if total += len(p.text); total > maxPieces {
			return nil, fmt.Errorf("the pieces have more than %d bytes", maxPieces)
		}
		if len(p.text) > maxPiece || math.IsNaN(p.score) || math.IsInf(p.score, 0) {
			return nil, fmt.Errorf("piece %d (%.40q) has %d bytes and score %g; want at most %d bytes and a number", id, p.text, len(p.text), p.score, maxPiece)
		}
		m.scores[id] = p.score
		if !p.hidden && p.text != "" {
			entries = append(entries, entry{p.text, int32(id)})
		}
	}
	m.pieces = newTrie(entries)
	m.setBytes(pieces)
	return m, nil
}

func (m *unigram) setBytes(pieces []piece) {
	for i := range m.bytes {
		m.bytes[i] = -1
	}
	for id, p := range pieces {
		if b, ok := byteOf(p.text); ok {
			m.bytes[b] = int32(id)
		}
	}
}

// byteOf returns the byte that a piece like <0x0A> stands for.
func byteOf(piece string) (byte, bool) {
	const digits = "0123456789ABCDEF"
	if len(piece) != 6 || piece[:3] != "<0x" || piece[5] != '>' {
		return 0, false
	}
	value := 0
	for _, c := range []byte(piece[3:5]) {
		digit := -1
		for i := range len(digits) {
			if digits[i] == c {
				digit = i
			}
		}
		if digit < 0 {
			return 0, false
		}
		value = 16*value + digit
	}
	return byte(value), true
}

// path is the state of one search: for every place in the text since base, the
// best way to get there.
type path struct {
	best []step
	back []int32 // scratch: the ends of the pieces of the best way, last first
	base int     // every way through the text comes by here
	// unknown is where a run of unknown characters began, -1: there is none.
	unknown int
}

// step is the last piece of the best way to a place.
type step struct {
	score float64
	size  int32 // bytes of the piece, 0: no way leads here
	id    int32
}

// appendWord is the search of Viterbi. It returns as soon as there are limit
// ids.
//
// Where no piece crosses a place, every way comes by it and what follows cannot
// change what went before. So the ids up to there are final; most words begin
// at such a place, and the rest of a long text need not be looked at.
func (m *unigram) appendWord(ids []int64, s string, limit int, w *scratch) []int64 {
	p := &w.path
	p.best, p.base, p.unknown = append(p.best[:0], step{}), 0, -1
	for at := 0; at < len(s); {
		if at > p.base && at == p.base+len(p.best)-1 {
			if ids = m.flush(ids, s, p); len(ids) >= limit {
				return ids
			}
		}
		_, size := utf8.DecodeRuneInString(s[at:])
		m.extend(s, at, size, p)
		at += size
	}
	ids = m.flush(ids, s, p)
	return m.appendUnknown(ids, s, len(s), p)
}

// extend adds the pieces that begin at a place, where a character of size bytes
// stands.
func (m *unigram) extend(s string, at, size int, p *path) {
	score := p.best[at-p.base].score
	alone := false // the character is a piece by itself
	node := int32(0)
	for end := at; end < len(s); {
		if node = m.pieces.next(node, s[end]); node < 0 {
			break
		}
		end++
		if id := m.pieces.nodes[node].id; id >= 0 {
			m.offer(p, end, step{score + m.scores[id], int32(end - at), id})
			alone = alone || end-at == size
		}
	}
	if !alone {
		m.offer(p, at+size, step{score + m.unkCost, int32(size), m.unknown})
	}
}

// offer keeps a way to a place if it is the best; of equal ways the first.
func (m *unigram) offer(p *path, end int, way step) {
	for len(p.best) <= end-p.base {
		p.best = append(p.best, step{})
	}
	if m.single {
		way.score = float64(float32(way.score))
	}
	if old := &p.best[end-p.base]; old.size == 0 || way.score > old.score {
		*old = way
	}
}

// flush appends the ids of the best way to the last place and makes that place
// the base.
func (m *unigram) flush(ids []int64, s string, p *path) []int64 {
	last := len(p.best) - 1
	p.back = p.back[:0]
	for i := last; i > 0; i -= int(p.best[i].size) {
		p.back = append(p.back, int32(i))
	}
	for i := len(p.back) - 1; i >= 0; i-- {
		way := p.best[p.back[i]]
		start := p.base + int(p.back[i]-way.size)
		if way.id == m.unknown {
			if p.unknown < 0 {
				p.unknown = start
			}
			continue
		}
		ids = append(m.appendUnknown(ids, s, start, p), int64(way.id))
	}
	p.base += last
	p.best = append(p.best[:0], step{score: p.best[last].score})
	return ids
}

// appendUnknown ends the run of unknown characters, if there is one: it becomes
// the piece that it happens to be, its bytes, or one unknown.
func (m *unigram) appendUnknown(ids []int64, s string, end int, p *path) []int64 {
	if p.unknown < 0 {
		return ids
	}
	run := s[p.unknown:end]
	p.unknown = -1
	if id := m.pieces.find(run); id >= 0 {
		return append(ids, int64(id))
	}
	if !m.fallback || !m.hasBytes(run) {
		return append(ids, int64(m.unknown))
	}
	for i := range len(run) {
		ids = append(ids, int64(m.bytes[run[i]]))
	}
	return ids
}

func (m *unigram) hasBytes(s string) bool {
	for i := range len(s) {
		if m.bytes[s[i]] < 0 {
			return false
		}
	}
	return true
}
