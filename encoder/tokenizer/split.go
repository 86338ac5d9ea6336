package tokenizer

import "strings"

// splitter is the pre-tokenizer: Split at a literal pattern, which stays at
// the end of the word before it (MergedWithPrevious). The zero pattern does
// not split.
type splitter struct{ pattern string }

// each calls yield with the words of s until it returns false.
func (p splitter) each(s string, yield func(word string) bool) {
	for p.pattern != "" {
		i := strings.Index(s, p.pattern)
		if i < 0 {
			break
		}
		n := i + len(p.pattern)
		if !yield(s[:n]) {
			return
		}
		s = s[n:]
	}
	if s != "" {
		yield(s)
	}
}
