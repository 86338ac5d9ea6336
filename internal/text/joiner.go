package text

import (
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

const (
	zwnj = '\u200C'
	zwj  = '\u200D'
)

// matters reports whether an ignorable character changes what is seen or meant where
// it stands.
func matters(runes []rune, i int) bool {
	switch r := runes[i]; {
	case r == zwj || r == zwnj:
		return joins(runes, i)
	case unicode.Is(unicode.Variation_Selector, r) || r == 0x180E:
		return selects(runes, i)
	case r >= 0xE0020 && r <= 0xE007F:
		return inFlag(runes, i)
	}
	return false
}

// joins: ZWNJ between two letters that would be joined without it (RFC 5892, A.1, as
// in Persian), both marks beside a virama (Indic conjuncts and half-forms), between two letters of
// Mongolian or Khmer, and ZWJ within a sequence of emoji.
func joins(runes []rune, i int) bool {
	before, after := at(runes, i-1), at(runes, i+1)
	switch {
	case isVirama(before) && unicode.In(after, unicode.L, unicode.M) || isVirama(after) && unicode.IsLetter(before):
		return true
	case inScript(before, unicode.Mongolian) && inScript(after, unicode.Mongolian), inScript(before, unicode.Khmer) && inScript(after, unicode.Khmer):
		return true
	case runes[i] == zwj:
		return isPictogram(after) && isPictogram(baseBefore(runes, i))
	}
	return separates(runes, i)
}

// joiners is a profile that knows which letters join.
var joiners = idna.New(idna.CheckJoiners(true))

// Bounds of how far these look back and ahead.
const (
	longestMarks    = 8  // letters and marks on each side of a ZWNJ
	longestSequence = 16 // selectors, skin tones and tags on one emoji
)

// separates reports whether a ZWNJ stands between letters that would be joined.
func separates(runes []rune, i int) bool {
	begin, end := i, i+1
	for begin > 0 && i-begin < longestMarks && unicode.In(runes[begin-1], unicode.L, unicode.Mn) {
		begin--
	}
	for end < len(runes) && end-i <= longestMarks && unicode.In(runes[end], unicode.L, unicode.Mn) {
		end++
	}
	if begin == i || end == i+1 {
		return false
	}
	_, err := joiners.ToUnicode(string(runes[begin:end]))
	return err == nil
}

// selects: the choice between text and emoji behind a symbol, digit, # or *, and
// the forms of Mongolian letters.
func selects(runes []rune, i int) bool {
	r, before := runes[i], at(runes, i-1)
	switch {
	case r >= 0x180B && r <= 0x180F:
		return inScript(before, unicode.Mongolian)
	case r == '\uFE0E', r == '\uFE0F':
		return isPictogram(before) || before >= '0' && before <= '9' && at(runes, i+1) == 0x20E3 || (before == '#' || before == '*') && at(runes, i+1) == 0x20E3
	}
	return false
}

// inFlag: tags behind a black flag, which name a region such as Scotland.
func inFlag(runes []rune, i int) bool {
	first := max(i-longestSequence, 0)
	for i > first && runes[i] >= 0xE0020 && runes[i] <= 0xE007F {
		i--
	}
	return runes[i] == 0x1F3F4
}

// baseBefore is the character that the selectors, skin tones and tags before i belong to.
func baseBefore(runes []rune, i int) rune {
	first := max(i-longestSequence, 0)
	for i--; i > first && modifies(runes[i]); {
		i--
	}
	return at(runes, i)
}

func modifies(r rune) bool {
	return unicode.Is(unicode.Variation_Selector, r) || r >= 0x1F3FB && r <= 0x1F3FF || r >= 0xE0020 && r <= 0xE007F || r == 0x20E3
}

// isPictogram holds for emoji and for symbols that may be shown as such.
func isPictogram(r rune) bool {
	return r >= 0x1F000 && r <= 0x1FAFF || r == 0xA9 || r == 0xAE || r == 0x2139 || r >= 0x2000 && unicode.In(r, unicode.So, unicode.Sm, unicode.Sk) || r == 0x203C || r == 0x2049 || r == 0x3030 || r == 0x303D
}

// isVirama: Canonical_Combining_Class 9.
func isVirama(r rune) bool { return r >= 0x80 && norm.NFC.PropertiesString(string(r)).CCC() == 9 }

func inScript(r rune, script *unicode.RangeTable) bool { return unicode.Is(script, r) }

func at(runes []rune, i int) rune {
	if i < 0 || i >= len(runes) {
		return 0
	}
	return runes[i]
}
