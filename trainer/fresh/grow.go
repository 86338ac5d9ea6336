package fresh

import (
	"context"
	"fmt"
	"strings"

	"polylens/encoder/tokenizer"
)

// Grow writes a copy of a model to a directory that does not exist, with tokens
// for words that were several before: one for the word that a text begins with,
// and one for the word behind a space. Their rows are the mean of the rows of the
// pieces that they replace. Texts without these pieces next to one another have
// the tokens that they had.
//
// A token joins the pieces that the word has been cut into, after all merges
// that there were: with more than two pieces, what they add up to on the way
// becomes a token as well. Words that are one token already are left as they are.
func Grow(ctx context.Context, from, to string, words []string) error {
	t, err := readTokens(from)
	if err != nil {
		return err
	}
	cutter, err := tokenizer.Open(from)
	if err != nil {
		return err
	}
	g := growth{tokens: t}
	for id := range t.size() {
		g.rows = append(g.rows, source{id})
	}
	for _, word := range words {
		if err := g.addWord(cutter, word); err != nil {
			return err
		}
	}
	if err := g.check(words); err != nil {
		return err
	}
	return write(ctx, from, to, t, g.rows)
}

// check cuts the words by the new vocabulary.
func (g *growth) check(words []string) error {
	content, err := g.content()
	if err != nil {
		return err
	}
	cutter, err := tokenizer.Parse(content, tokenizer.Options{})
	if err != nil {
		return err
	}
	for _, word := range words {
		if n := len(g.cut(cutter, word)); n != 1 {
			return fmt.Errorf("the token %q shares pieces with another new one, so that it still is %d tokens: leave one of the two out", word, n)
		}
	}
	return nil
}

// growth is a vocabulary that grows.
type growth struct {
	*tokens
	rows []source
}

func (g *growth) addWord(cutter *tokenizer.Tokenizer, word string) error {
	if word == "" || strings.ContainsAny(word, " \t\r\n") {
		return fmt.Errorf("the token %q: want a word without spaces", word)
	}
	first := g.cut(cutter, word)
	// The word behind a space, with the word before cut off.
	const before = "a"
	behind := g.cut(cutter, before+" "+word)[len(g.cut(cutter, before)):]
	for _, pieces := range [][]int64{first, behind} {
		if err := g.join(pieces); err != nil {
			return fmt.Errorf("the token %q: %w", word, err)
		}
	}
	return nil
}

// cut is a text's tokens, without the end of the sequence and padding, by the
// vocabulary as it was.
func (g *growth) cut(cutter *tokenizer.Tokenizer, text string) []int64 {
	ids := cutter.Encode(text, enough(text))
	end := g.ids["<eos>"]
	for i, id := range ids {
		if id == end {
			return ids[:i]
		}
	}
	return ids
}

// join makes tokens of the first two of the pieces, the first three, and so on.
func (g *growth) join(pieces []int64) error {
	whole := ""
	for i, id := range pieces {
		piece := g.pieces[id]
		if !g.has(piece) || strings.HasPrefix(piece, "<0x") {
			return fmt.Errorf("it holds %q, which is no piece of the vocabulary that can be joined", piece)
		}
		if i == 0 {
			whole = piece
			continue
		}
		g.merge(joined{whole, piece}, pieces[:i+1])
		whole += piece
	}
	return nil
}

// merge adds a merge behind all others, with its result where that is new.
func (g *growth) merge(pair joined, of []int64) {
	if _, ok := g.ranks[pair]; ok {
		return
	}
	g.ranks[pair] = len(g.merges)
	g.merges = append(g.merges, pair)
	whole := pair[0] + pair[1]
	if g.has(whole) {
		return
	}
	id := int64(len(g.rows))
	g.ids[whole], g.pieces[id] = id, whole
	g.rows = append(g.rows, append(source{}, of...))
}
