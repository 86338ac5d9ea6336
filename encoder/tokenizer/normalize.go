package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// lowerUnicode17 holds the lower-case mappings that Hugging Face tokenizers has
// (Unicode 17) and package unicode of Go 1.26 lacks (Unicode 15).
var lowerUnicode17 = unicode.SpecialCase{
	{Lo: 0x1C89, Hi: 0x1C89, Delta: [unicode.MaxCase]rune{unicode.LowerCase: 1}},
	{Lo: 0xA7CB, Hi: 0xA7CB, Delta: [unicode.MaxCase]rune{unicode.LowerCase: 0x264 - 0xA7CB}},
	{Lo: 0xA7CC, Hi: 0xA7CC, Delta: [unicode.MaxCase]rune{unicode.LowerCase: 1}},
	{Lo: 0xA7CE, Hi: 0xA7CE, Delta: [unicode.MaxCase]rune{unicode.LowerCase: 1}},
	{Lo: 0xA7D2, Hi: 0xA7D2, Delta: [unicode.MaxCase]rune{unicode.LowerCase: 1}},
	{Lo: 0xA7D4, Hi: 0xA7D4, Delta: [unicode.MaxCase]rune{unicode.LowerCase: 1}},
	{Lo: 0xA7DA, Hi: 0xA7DA, Delta: [unicode.MaxCase]rune{unicode.LowerCase: 1}},
	{Lo: 0xA7DC, Hi: 0xA7DC, Delta: [unicode.MaxCase]rune{unicode.LowerCase: 0x19B - 0xA7DC}},
	{Lo: 0x10D50, Hi: 0x10D65, Delta: [unicode.MaxCase]rune{unicode.LowerCase: 0x20}},
	{Lo: 0x16EA0, Hi: 0x16EB8, Delta: [unicode.MaxCase]rune{unicode.LowerCase: 0x1B}},
}

// lower maps each character on its own, as the Lowercase normalizer does: no
// final-sigma rule and no language, and 'İ' becomes 'i' with U+0307.
func lower(s string) string {
	if isLowerASCII(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + len(s)/8)
	for _, r := range s {
		if r == 'İ' {
			b.WriteString("i\u0307")
		} else {
			b.WriteRune(lowerUnicode17.ToLower(r))
		}
	}
	return b.String()
}

// lowerString is Python's str.lower: as lower, save that a capital sigma at the
// end of a word becomes 'ς'.
func lowerString(s string) string {
	if !strings.ContainsRune(s, 'Σ') {
		return lower(s)
	}
	var b strings.Builder
	for {
		i := strings.IndexRune(s, 'Σ')
		if i < 0 {
			break
		}
		b.WriteString(s[:i])
		before, after := b.String(), s[i+len("Σ"):]
		if endsCased(before) && !startsCased(after) {
			b.WriteRune('ς')
		} else {
			b.WriteRune('Σ')
		}
		s = after
	}
	b.WriteString(s)
	return lower(b.String())
}

// endsCased reports whether a letter with case ends s, and startsCased whether
// one begins it, if characters that case ignores are passed over.
func endsCased(s string) bool {
	i := strings.LastIndexFunc(s, func(r rune) bool { return !ignoresCase(r) })
	r, _ := utf8.DecodeRuneInString(s[max(i, 0):])
	return i >= 0 && hasCase(r)
}

func startsCased(s string) bool {
	i := strings.IndexFunc(s, func(r rune) bool { return !ignoresCase(r) })
	r, _ := utf8.DecodeRuneInString(s[max(i, 0):])
	return i >= 0 && hasCase(r)
}

// hasCase and ignoresCase are the properties Cased and Case_Ignorable of the
// Unicode standard, section 3.13.
func hasCase(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Uppercase, unicode.Other_Lowercase)
}

func ignoresCase(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) ||
		strings.ContainsRune("'.:·\u0387\u055F\u05F4\u2018\u2019\u2024\u2027\uFE13\uFE52\uFE55\uFF07\uFF0E\uFF1A", r)
}

func isLowerASCII(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return true
}

// clip cuts a text at so many bytes, not inside a character.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	n := most
	for n > most-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// toValidUTF8 replaces each ill-formed sequence by U+FFFD as the Unicode
// standard advises (section 3.9, substitution of maximal subparts), which is
// what Rust and Python do. The standard library replaces each byte, or runs.
func toValidUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			n = illFormed(s)
		}
		b.WriteRune(r)
		s = s[n:]
	}
	return b.String()
}

// illFormed returns the length of the maximal subpart at the start of s, which
// does not begin with a well-formed character: the longest proper prefix of
// some well-formed character, at least one byte.
func illFormed(s string) int {
	lo, hi, need := byte(0x80), byte(0xBF), 0
	switch c := s[0]; {
	case c == 0xE0:
		lo, need = 0xA0, 3
	case c == 0xED:
		hi, need = 0x9F, 3
	case c >= 0xE1 && c <= 0xEF:
		need = 3
	case c == 0xF0:
		lo, need = 0x90, 4
	case c == 0xF4:
		hi, need = 0x8F, 4
	case c >= 0xF1 && c <= 0xF3:
		need = 4
	}
	n := 1
	for n < need-1 && n < len(s) && s[n] >= lo && s[n] <= hi {
		n, lo, hi = n+1, 0x80, 0xBF
	}
	return n
}
