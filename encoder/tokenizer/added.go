package tokenizer

import (
	"sort"
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
// start there the longest.
type addedTokens struct {
	byFirst map[byte][]added // by first byte of the content, longest first
}

func newAddedTokens(tokens []added) addedTokens {
	byFirst := make(map[byte][]added)
	for _, a := range tokens {
		if a.content != "" {
			byFirst[a.content[0]] = append(byFirst[a.content[0]], a)
		}
	}
	for _, list := range byFirst {
		sort.SliceStable(list, func(i, j int) bool { return len(list[i].content) > len(list[j].content) })
	}
	return addedTokens{byFirst}
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
	list := t.byFirst[s[0]]
	for i := range list {
		if strings.HasPrefix(s, list[i].content) {
			return &list[i]
		}
	}
	return nil
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
