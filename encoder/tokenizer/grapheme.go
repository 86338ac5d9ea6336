package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// clusterLength returns the length in bytes of the grapheme cluster at the
// start of s, which is not empty, by Unicode Standard Annex 29. The rules that
// only ever make clusters of six bytes and more (Hangul, flags, emoji joined by
// ZWJ, Indic conjuncts) are left out: charsmap.apply, the only caller, treats
// such a cluster and its parts alike, unless a mark of another script follows
// (as in an emoji, ZWJ, "™" and U+0301).
func clusterLength(s string) int {
	if len(s) == 1 || s[0] < 0x80 && s[1] < 0x80 && s[0] != '\r' {
		return 1
	}
	r, n := utf8.DecodeRuneInString(s)
	if r == '\r' && s[1] == '\n' {
		return 2
	}
	for n < len(s) && !breaksAlways(r) {
		next, size := utf8.DecodeRuneInString(s[n:])
		if !joinsPrevious(next) && (!joinsNext(r) || breaksAlways(next)) {
			break
		}
		n += size
		r = next
	}
	return n
}

// breaksAlways: Grapheme_Cluster_Break is Control, CR or LF.
func breaksAlways(r rune) bool {
	if r < 0x80 {
		return r < ' ' || r == 0x7F
	}
	if r == 0x200C || r == 0x200D || joinsNext(r) || r >= 0xE0020 && r <= 0xE007F {
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || isIgnorableUnassigned(r)
}

// isIgnorableUnassigned: characters that may become controls one day.
func isIgnorableUnassigned(r rune) bool {
	return r == 0x2065 || r >= 0xFFF0 && r <= 0xFFF8 || r >= 0xE0000 && r <= 0xE0FFF && !unicode.Is(unicode.Mn, r)
}

// joinsPrevious: Grapheme_Cluster_Break is Extend, ZWJ or SpacingMark.
func joinsPrevious(r rune) bool {
	switch {
	case r < 0x300:
		return false
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Other_Grapheme_Extend, marksUnicode17), r == 0x200D,
		r >= 0x1F3FB && r <= 0x1F3FF, r >= 0xE0020 && r <= 0xE007F, r == 0xE33, r == 0xEB3:
		return true
	}
	return unicode.Is(unicode.Mc, r) && !unicode.Is(standingMarks, r)
}

// joinsNext: Grapheme_Cluster_Break is Prepend.
func joinsNext(r rune) bool { return r >= 0x600 && unicode.Is(prepended, r) }

// marksUnicode17 are the marks of Unicode 17, which Hugging Face tokenizers
// has, that package unicode of Go 1.26 (Unicode 15) lacks.
var marksUnicode17 = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x897, Hi: 0x897, Stride: 1}, {Lo: 0x1ACF, Hi: 0x1ADD, Stride: 1}, {Lo: 0x1AE0, Hi: 0x1AEB, Stride: 1},
}, R32: []unicode.Range32{
	{Lo: 0x10D69, Hi: 0x10D6D, Stride: 1}, {Lo: 0x10EFA, Hi: 0x10EFC, Stride: 1}, {Lo: 0x113B8, Hi: 0x113C0, Stride: 1},
	{Lo: 0x113C2, Hi: 0x113C5, Stride: 3}, {Lo: 0x113C7, Hi: 0x113CA, Stride: 1}, {Lo: 0x113CC, Hi: 0x113D0, Stride: 1},
	{Lo: 0x113D2, Hi: 0x113D2, Stride: 1}, {Lo: 0x113E1, Hi: 0x113E2, Stride: 1}, {Lo: 0x11B60, Hi: 0x11B67, Stride: 1},
	{Lo: 0x11F5A, Hi: 0x11F5A, Stride: 1}, {Lo: 0x1611E, Hi: 0x1612F, Stride: 1}, {Lo: 0x1E5EE, Hi: 0x1E5EF, Stride: 1},
	{Lo: 0x1E6E3, Hi: 0x1E6E6, Stride: 3}, {Lo: 0x1E6EE, Hi: 0x1E6EF, Stride: 1}, {Lo: 0x1E6F5, Hi: 0x1E6F5, Stride: 1},
}}

// standingMarks are the spacing marks (Mc) that begin a cluster.
var standingMarks = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x102B, Hi: 0x102C, Stride: 1}, {Lo: 0x1038, Hi: 0x1038, Stride: 1}, {Lo: 0x1062, Hi: 0x1064, Stride: 1},
	{Lo: 0x1067, Hi: 0x106D, Stride: 1}, {Lo: 0x1083, Hi: 0x1083, Stride: 1}, {Lo: 0x1087, Hi: 0x108C, Stride: 1},
	{Lo: 0x108F, Hi: 0x108F, Stride: 1}, {Lo: 0x109A, Hi: 0x109C, Stride: 1}, {Lo: 0x1A61, Hi: 0x1A61, Stride: 1},
	{Lo: 0x1A63, Hi: 0x1A64, Stride: 1}, {Lo: 0xAA7B, Hi: 0xAA7B, Stride: 1}, {Lo: 0xAA7D, Hi: 0xAA7D, Stride: 1},
}, R32: []unicode.Range32{{Lo: 0x11720, Hi: 0x11721, Stride: 1}}}

// prepended are signs written before what they belong to.
var prepended = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x600, Hi: 0x605, Stride: 1}, {Lo: 0x6DD, Hi: 0x6DD, Stride: 1}, {Lo: 0x70F, Hi: 0x70F, Stride: 1},
	{Lo: 0x890, Hi: 0x891, Stride: 1}, {Lo: 0x8E2, Hi: 0x8E2, Stride: 1}, {Lo: 0xD4E, Hi: 0xD4E, Stride: 1},
}, R32: []unicode.Range32{
	{Lo: 0x110BD, Hi: 0x110BD, Stride: 1}, {Lo: 0x110CD, Hi: 0x110CD, Stride: 1}, {Lo: 0x111C2, Hi: 0x111C3, Stride: 1},
	{Lo: 0x113D1, Hi: 0x113D1, Stride: 1}, {Lo: 0x1193F, Hi: 0x1193F, Stride: 1}, {Lo: 0x11941, Hi: 0x11941, Stride: 1},
	{Lo: 0x11A84, Hi: 0x11A89, Stride: 1}, {Lo: 0x11D46, Hi: 0x11D46, Stride: 1},
	{Lo: 0x11F02, Hi: 0x11F02, Stride: 1},
}}
