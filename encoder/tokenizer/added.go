package tokenizer

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// added is one entry of added_tokens: text that becomes one token wherever it
// stands, before any merge.
type added struct {
	content                    string
	id                         int32
	singleWord, lstrip, rstrip bool
}

// addedTokens finds added tokens in text: the leftmost, and of those that
// start there the longest. Of two with the same text the first counts.
type addedTokens struct {
	tokens []added
	texts  trie // whose ids are places in tokens
}

func newAddedTokens(tokens []added) (addedTokens, error) {
	if len(tokens) > maxAdded {
		return addedTokens{}, fmt.Errorf("there are %d added tokens, more than %d", len(tokens), maxAdded)
	}
	total := 0
	seen := make(map[string]bool, len(tokens))
	var entries []entry
	for i, a := range tokens {
		if total += len(a.content); len(a.content) > maxToken || total > maxAddedBytes {
			return addedTokens{}, fmt.Errorf("added token %.40q has %d bytes, all before it and itself %d; the limits are %d and %d",
				a.content, len(a.content), total, maxToken, maxAddedBytes)
		}
		if a.content != "" && !seen[a.content] {
			seen[a.content] = true
			entries = append(entries, entry{a.content, int32(i)})
		}
	}
	if len(entries) == 0 {
		return addedTokens{}, nil
	}
	return addedTokens{tokens, newTrie(entries)}, nil
}

// split calls yield with the pieces of s in order: an added token with its id,
// or the text between them with id -1. It stops when yield returns false.
// The order of the checks, and that a match which is not a single word is
// passed over as a whole, follow AddedVocabulary::find_matches of Hugging Face
// tokenizers.
func (t addedTokens) split(s string, yield func(piece string, id int32) bool) {
	done := 0
	for at := 0; at < len(s); {
		a := t.match(s[at:])
		if a == nil {
			at++
			continue
		}
		start, stop := at, at+len(a.content)
		at = stop
		if a.singleWord && (endsWithWord(s[:start]) || startsWithWord(s[stop:])) {
			continue
		}
		if a.lstrip {
			start = max(len(strings.TrimRightFunc(s[:start], unicode.IsSpace)), done)
		}
		if a.rstrip {
			stop = len(s) - len(strings.TrimLeftFunc(s[stop:], unicode.IsSpace))
		}
		if done < start && !yield(s[done:start], -1) {
			return
		}
		if !yield(a.content, a.id) {
			return
		}
		done = stop
	}
	if done < len(s) {
		yield(s[done:], -1)
	}
}

func (t addedTokens) match(s string) *added {
	if len(t.tokens) == 0 {
		return nil
	}
	var longest *added
	node := int32(0)
	for i := range len(s) {
		if node = t.texts.next(node, s[i]); node < 0 {
			break
		}
		if id := t.texts.nodes[node].id; id >= 0 {
			longest = &t.tokens[id]
		}
	}
	return longest
}

func endsWithWord(s string) bool {
	r, n := utf8.DecodeLastRuneInString(s)
	return n > 0 && isWord(r)
}

func startsWithWord(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return n > 0 && isWord(r)
}

// isWord is \w of Unicode Technical Standard 18.
func isWord(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc,
		unicode.Other_Alphabetic, unicode.Join_Control)
}
