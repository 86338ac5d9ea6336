package tokenizer

import "unicode/utf8"

// bpe is a byte-pair encoding.
type bpe struct {
	runes     map[rune]int32 // tokens of one character
	merges    map[pair]merge
	crossable map[[2]rune]struct{}
	bytes     [256]int32 // <0x00> to <0xFF>; -1 where there is none
	unk       int32      // -1: characters without a token vanish
	fuseUnk   bool
	// atomic: no merge has a byte token or <unk> as a part or as its result,
	// so that a word may be cut beside them.
	atomic bool
	// whole, for ignore_merges only: a word that is a token is taken as it is.
	whole map[string]int32
}

// pair is two neighbouring tokens that may be merged.
type pair struct{ left, right int32 }

// merge is what becomes of a pair; the lowest rank is merged first.
type merge struct{ rank, id int32 }

// appendWord appends the ids of a word and returns as soon as there are limit
// of them.
//
// A word is merged in segments, cut where no merge could join the characters
// on both sides: the result is the same, the cost is that of short segments,
// and the rest of a long text need not be looked at.
func (m *bpe) appendWord(ids []int64, s string, limit int, work *scratch) []int64 {
	w := &work.word
	if id, ok := m.whole[s]; ok {
		return append(ids, int64(id))
	}
	before := rune(-1) // the character of the last symbol, -1 for a byte
	pending := false   // an <unk> waits for the next known character
	for _, r := range s {
		id, known := m.runes[r]
		if !known && !m.hasBytes(r) {
			if !m.fuseUnk {
				w.addUnknown(m, &pending)
			}
			pending = true
			continue
		}
		if m.atomic && !pending && len(w.symbols) > 0 && m.cuttable(before, r) {
			if ids = w.flush(m, ids); len(ids) >= limit {
				return ids
			}
		}
		if known {
			w.addUnknown(m, &pending)
			w.add(id)
			before = r
		} else {
			w.addBytes(m, r)
			before = -1
		}
	}
	w.addUnknown(m, &pending)
	return w.flush(m, ids)
}

// isAtomic finds out what the field atomic says.
func (m *bpe) isAtomic() bool {
	special := map[int32]bool{m.unk: true}
	for _, id := range m.bytes {
		special[id] = true
	}
	for of, to := range m.merges {
		if special[of.left] || special[of.right] || special[to.id] {
			return false
		}
	}
	return true
}

// cuttable reports whether no merge can join the characters a and b. A byte
// (a = -1, or b that has no token) joins nothing in an atomic model.
func (m *bpe) cuttable(a, b rune) bool {
	_, ok := m.crossable[[2]rune{a, b}]
	return !ok
}

// hasBytes reports whether the vocabulary has every byte of a character.
func (m *bpe) hasBytes(r rune) bool {
	var buf [utf8.UTFMax]byte
	for _, b := range buf[:utf8.EncodeRune(buf[:], r)] {
		if m.bytes[b] < 0 {
			return false
		}
	}
	return true
}

// word is a segment under work: a doubly linked list of symbols and a heap of
// the merges that are possible. Its memory is used again for the next segment.
type word struct {
	symbols []symbol
	queue   []candidate
}

type symbol struct {
	id         int32
	prev, next int32 // indices into symbols, -1 at the ends
	dead       bool  // swallowed by the symbol to its left
}

// candidate says that the symbol at pos and its right neighbour could become id.
type candidate struct{ rank, pos, id int32 }

func (c candidate) before(d candidate) bool {
	return c.rank < d.rank || c.rank == d.rank && c.pos < d.pos
}

func (w *word) add(id int32) {
	n := int32(len(w.symbols))
	if n > 0 {
		w.symbols[n-1].next = n
	}
	w.symbols = append(w.symbols, symbol{id: id, prev: n - 1, next: -1})
}

// addUnknown adds the <unk> that waits, if any. Byte tokens do not call for it:
// they overtake it, as in Hugging Face tokenizers.
func (w *word) addUnknown(m *bpe, pending *bool) {
	if *pending && m.unk >= 0 {
		w.add(m.unk)
	}
	*pending = false
}

func (w *word) addBytes(m *bpe, r rune) {
	var buf [utf8.UTFMax]byte
	for _, b := range buf[:utf8.EncodeRune(buf[:], r)] {
		w.add(m.bytes[b])
	}
}

// flush merges the segment, appends its ids and empties it.
func (w *word) flush(m *bpe, ids []int64) []int64 {
	w.merge(m)
	for _, s := range w.symbols {
		if !s.dead {
			ids = append(ids, int64(s.id))
		}
	}
	w.symbols = w.symbols[:0]
	return ids
}

// merge joins pairs in order of rank, then of position, until none is left.
func (w *word) merge(m *bpe) {
	for i := range w.symbols {
		w.propose(m, int32(i))
	}
	for len(w.queue) > 0 {
		c := w.pop()
		left := &w.symbols[c.pos]
		if left.dead || left.next < 0 {
			continue
		}
		right := &w.symbols[left.next]
		if now, ok := m.merges[pair{left.id, right.id}]; !ok || now.id != c.id {
			continue // one of the two has changed since
		}
		left.id = c.id
		right.dead = true
		if left.next = right.next; left.next >= 0 {
			w.symbols[left.next].prev = c.pos
		}
		if left.prev >= 0 {
			w.propose(m, left.prev)
		}
		w.propose(m, c.pos)
	}
}

// propose queues the merge of a symbol with its right neighbour, if any.
func (w *word) propose(m *bpe, pos int32) {
	left := w.symbols[pos]
	if left.next < 0 {
		return
	}
	if to, ok := m.merges[pair{left.id, w.symbols[left.next].id}]; ok {
		w.push(candidate{to.rank, pos, to.id})
	}
}

// push and pop keep a binary min-heap; container/heap would box every
// candidate.
func (w *word) push(c candidate) {
	q := append(w.queue, c)
	i := len(q) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !c.before(q[up]) {
			break
		}
		q[i], i = q[up], up
	}
	q[i] = c
	w.queue = q
}

func (w *word) pop() candidate {
	q := w.queue
	top, last := q[0], q[len(q)-1]
	q = q[:len(q)-1]
	w.queue = q
	if len(q) == 0 {
		return top
	}
	i := 0
	for {
		down := 2*i + 1
		if down >= len(q) {
			break
		}
		if down+1 < len(q) && q[down+1].before(q[down]) {
			down++
		}
		if !q[down].before(last) {
			break
		}
		q[i], i = q[down], down
	}
	q[i] = last
	return top
}
