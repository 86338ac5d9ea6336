package tokenizer

import (
	"strings"
	"unicode"
)

// splitter cuts a text into the words that are tokenized one by one. It calls
// yield with them in order until that returns false. first says that the text
// stands at the beginning of what was typed.
type splitter interface {
	each(s string, first bool, yield func(word string) bool)
}

// wholeText does not cut.
type wholeText struct{}

func (wholeText) each(s string, _ bool, yield func(string) bool) {
	if s != "" {
		yield(s)
	}
}

// splitAfter cuts behind each occurrence of a text (Split with
// MergedWithPrevious).
type splitAfter struct{ pattern string }

func (p splitAfter) each(s string, _ bool, yield func(string) bool) {
	for {
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

// splitSpace drops white space and cuts there (WhitespaceSplit), then leaves
// each piece to another splitter.
type splitSpace struct{ then splitter }

func (p splitSpace) each(s string, first bool, yield func(string) bool) {
	more := true
	for more {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
		if s == "" {
			return
		}
		end := strings.IndexFunc(s, unicode.IsSpace)
		if end < 0 {
			end = len(s)
		}
		p.then.each(s[:end], first, func(word string) bool {
			more = yield(word)
			return more
		})
		s, first = s[end:], false
	}
}

// space is how sentencepiece writes a space.
const space = "▁"

// metaspace writes spaces as U+2581, puts one before the text and cuts before
// each (Metaspace).
type metaspace struct {
	prepend bool // before every text,
	first   bool // or only at the beginning of what was typed
	cut     bool
}

func (p metaspace) each(s string, first bool, yield func(string) bool) {
	if s == "" {
		return
	}
	s = strings.ReplaceAll(s, " ", space)
	if (p.prepend || p.first && first) && !strings.HasPrefix(s, space) {
		s = space + s
	}
	for p.cut {
		n := len(space)
		if !strings.HasPrefix(s, space) {
			n = 0
		}
		i := strings.Index(s[n:], space)
		if i < 0 {
			break
		}
		if !yield(s[:n+i]) {
			return
		}
		s = s[n+i:]
	}
	yield(s)
}
