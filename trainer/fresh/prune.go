package fresh

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"polylens/encoder/tokenizer"
)

// Prune writes a copy of a model to a directory that does not exist, with only the
// tokens that the texts use, special tokens and bytes. The texts have the tokens that
// they had, so their vectors stay the same; others fall into smaller pieces, and in
// the end into bytes.
//
// size, if it is above 0, is how many tokens to keep at most: the texts' most
// frequent ones. Texts that need others change then.
func Prune(ctx context.Context, from, to string, texts []string, size int) error {
	t, err := readTokens(from)
	if err != nil {
		return err
	}
	counts, err := count(ctx, from, texts)
	if err != nil {
		return err
	}
	kept, err := t.choose(counts, size)
	if err != nil {
		return err
	}
	old, err := t.keep(kept)
	if err != nil {
		return err
	}
	rows := make([]source, len(old))
	for i, id := range old {
		rows[i] = source{id}
	}
	return write(ctx, from, to, t, rows)
}

// count counts how often each token occurs in the texts.
func count(ctx context.Context, dir string, texts []string) (map[int64]int, error) {
	t, err := tokenizer.Open(dir)
	if err != nil {
		return nil, err
	}
	times := map[string]int{}
	for _, text := range texts {
		times[text]++
	}
	counts := map[int64]int{}
	for text, n := range times {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, id := range t.Encode(text, enough(text)) {
			counts[id] += n
		}
	}
	return counts, nil
}

// enough is more than a text has tokens: a character that is changed when the
// text is cleaned becomes a few at most.
func enough(text string) int { return 8*len(text) + 8 }

// choose decides which tokens to keep.
func (t *tokens) choose(counts map[int64]int, size int) (map[string]bool, error) {
	kept := t.always(counts)
	if size == 0 {
		size = len(t.pieces)
	}
	if len(kept) > size {
		return nil, fmt.Errorf("%d tokens are too few: special tokens and bytes alone are %d", size, len(kept))
	}
	for _, needed := range [][][]string{t.characters(counts), t.wholes(counts)} {
		for _, steps := range needed {
			if fresh := without(steps, kept); len(kept)+len(fresh) <= size {
				for _, piece := range fresh {
					kept[piece] = true
				}
			}
		}
	}
	return kept, nil
}

func without(pieces []string, kept map[string]bool) []string {
	fresh := map[string]bool{}
	for _, piece := range pieces {
		if !kept[piece] {
			fresh[piece] = true
		}
	}
	return slices.Collect(maps.Keys(fresh))
}

// space is how pieces show the space before a word.
const space = "▁"

// always are the tokens that every model needs: special ones, bytes, the space,
// and added ones that the texts use.
func (t *tokens) always(counts map[int64]int) map[string]bool {
	kept := map[string]bool{}
	for _, added := range t.added {
		if added.Special || counts[added.ID] > 0 {
			kept[added.Content] = true
		}
	}
	for value := range 256 {
		if name := fmt.Sprintf("<0x%02X>", value); t.has(name) {
			kept[name] = true
		}
	}
	var unknown string
	if err := t.model.field("unk_token", &unknown); err == nil && unknown != "" {
		kept[unknown] = true
	}
	for _, name := range []string{"<pad>", "<eos>", "<bos>", space} {
		if t.has(name) {
			kept[name] = true
		}
	}
	return kept
}

func (t *tokens) has(piece string) bool {
	_, ok := t.ids[piece]
	return ok
}

// used lists the pieces that texts have as tokens, most frequent first.
func (t *tokens) used(counts map[int64]int) []string {
	var ids []int64
	for id := range counts {
		if t.has(t.pieces[id]) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b int64) int { return cmp.Or(counts[b]-counts[a], int(a-b)) })
	pieces := make([]string, len(ids))
	for i, id := range ids {
		pieces[i] = t.pieces[id]
	}
	return pieces
}

// characters are those of the texts, most frequent first: with them texts stay
// readable whatever else is left out.
func (t *tokens) characters(counts map[int64]int) (list [][]string) {
	met := map[string]int{}
	for id, n := range counts {
		if piece := t.pieces[id]; t.has(piece) && !strings.HasPrefix(piece, "<") {
			for _, character := range strings.Split(piece, "") {
				met[character] += n
			}
		}
	}
	characters := slices.Collect(maps.Keys(met))
	slices.SortFunc(characters, func(a, b string) int { return cmp.Or(met[b]-met[a], strings.Compare(a, b)) })
	for _, character := range characters {
		if t.has(character) {
			list = append(list, []string{character})
		}
	}
	return list
}

// wholes are the pieces of the texts with what they are made of.
func (t *tokens) wholes(counts map[int64]int) (list [][]string) {
	for _, piece := range t.used(counts) {
		steps, whole := t.way(piece)
		if whole && !slices.ContainsFunc(steps, func(step string) bool { return !t.has(step) }) {
			list = append(list, steps)
		} else {
			list = append(list, []string{piece}) // a special token, a byte
		}
	}
	return list
}

// keep leaves the other tokens out, numbers the kept ones anew in the order that
// they had, and gives their old ids.
func (t *tokens) keep(kept map[string]bool) (old []int64, err error) {
	old = slices.DeleteFunc(slices.Sorted(maps.Keys(t.pieces)), func(id int64) bool { return !kept[t.pieces[id]] })
	fresh := make(map[int64]int64, len(old))
	for i, id := range old {
		fresh[id] = int64(i)
	}
	maps.DeleteFunc(t.ids, func(piece string, _ int64) bool { return !kept[piece] })
	for piece, id := range t.ids {
		t.ids[piece] = fresh[id]
	}
	t.added = slices.DeleteFunc(t.added, func(added addedToken) bool { return !kept[added.Content] })
	for i := range t.added {
		t.added[i].ID = fresh[t.added[i].ID]
	}
	t.merges = slices.DeleteFunc(t.merges, func(m joined) bool { return !kept[m[0]] || !kept[m[1]] || !kept[m[0]+m[1]] })
	return old, t.renumber(fresh)
}
