package text

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/unicode/rangetable"
)

// Query returns a text as a person sees it, which is what a model should be asked: a
// byte order mark or a space that does not break would make other tokens of the
// same words. The result is composed (NFC) and the same when it is put in again;
// it is empty if nothing of the text can be seen. Case is left to the tokenizer.
//
//   - White space of every kind, line breaks and the blank of Braille become one space,
//     and none at the ends.
//   - Control characters and what Unicode says to ignore when it is displayed are left
//     out (Default_Ignorable_Code_Point: byte order marks, zero-width and bidirectional
//     marks, soft hyphens, fillers, tags), but not where they join or select: ZWJ and
//     ZWNJ (joins), and the selectors of emoji and of Mongolian letters (selects).
//   - Forms that stand for the same letter become that letter, by NFKC: full-width and
//     half-width forms, ligatures such as ﬁ, Arabic presentation forms, mathematical
//     and letterlike alphabets, Roman numerals, vertical and small punctuation,
//     hyphens. What NFKC would change the sense of stays: superscripts and subscripts
//     (m², H₂O), circled and parenthesized characters (①), fractions (½), squared
//     words (㎏), phrases in one character (ﷺ).
func Query(s string) string {
	runes := []rune(norm.NFC.String(s))
	var out strings.Builder
	out.Grow(len(s))
	blank := false
	for i, r := range runes {
		switch {
		case isBlank(r):
			blank = out.Len() > 0
			continue
		case isIgnored(r) && !matters(runes, i):
			continue
		case blank:
			out.WriteByte(' ')
		}
		blank = false
		writeLetter(&out, r)
	}
	return settle(out.String(), s)
}

// settle repeats what composing brings about: letters that have come together may be
// composed, and are then neighbors of other characters.
func settle(done, before string) string {
	if done = norm.NFC.String(done); done == before {
		return done
	}
	return Query(done)
}

func writeLetter(out *strings.Builder, r rune) {
	switch {
	case r == '\u2010', r == '\u2011':
		out.WriteByte('-')
	case unicode.Is(sameLetters, r):
		out.WriteString(norm.NFKC.String(string(r)))
	default:
		out.WriteRune(r)
	}
}

func isBlank(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Zs, r) || unicode.In(r, blanks)
}

// blanks are the separators of lines and paragraphs, and the empty Braille cell.
var blanks = rangetable.New('\u2028', '\u2029', '\u2800')

// isIgnored: Default_Ignorable_Code_Point as DerivedCoreProperties.txt derives it,
// and control characters and the marks of interlinear annotations.
func isIgnored(r rune) bool {
	return unicode.Is(unicode.Cc, r) || unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) &&
		!unicode.Is(unicode.Prepended_Concatenation_Mark, r) && (r < 0x13430 || r > 0x1345F)
}

// sameLetters are the characters that NFKC makes the same letters of. Those that would
// begin with a space, such as the isolated marks of Arabic, are not among them.
var sameLetters = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x00B5, 0x00B5, 1},                      // micro
		{0x0132, 0x0133, 1}, {0x01C4, 0x01CC, 1}, // digraphs
		{0x01F1, 0x01F3, 1},
		{0x2102, 0x2102, 1}, {0x210A, 0x2113, 1}, {0x2115, 0x2115, 1}, {0x2119, 0x211D, 1}, // letterlike
		{0x2124, 0x2124, 1}, {0x2128, 0x2128, 1}, {0x212C, 0x212D, 1}, {0x212F, 0x2131, 1}, {0x2133, 0x2138, 1}, {0x213C, 0x2140, 1}, {0x2145, 0x2149, 1},
		{0x2160, 0x217F, 1},                      // Roman numerals
		{0xFB00, 0xFB06, 1}, {0xFB13, 0xFB17, 1}, // ligatures
		{0xFB20, 0xFB28, 1}, {0xFB2A, 0xFB4F, 1}, // Hebrew
		{0xFB50, 0xFC5D, 1}, {0xFC64, 0xFDEF, 1}, // Arabic, without isolated marks and phrases
		{0xFE10, 0xFE19, 1}, {0xFE30, 0xFE48, 1}, {0xFE50, 0xFE6B, 1}, // vertical and small
		{0xFE80, 0xFEFC, 1},                      // Arabic
		{0xFF01, 0xFFE2, 1}, {0xFFE4, 0xFFEE, 1}, // full-width and half-width
	},
	R32: []unicode.Range32{{0x1D400, 0x1D7FF, 1}, {0x1EE00, 0x1EEBB, 1}}, // mathematical alphabets
}
