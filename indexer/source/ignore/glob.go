package ignore

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// translate makes a regular expression of a glob: those of Go take time in proportion
// to the text, whatever the expression is. False for a glob that can match nothing.
func translate(glob string) (string, bool) {
	var to strings.Builder
	to.WriteString(`^(?s:`)
	for at := 0; at < len(glob); {
		n := 0
		switch glob[at] {
		case '*':
			n = stars(&to, glob, at)
		case '?':
			to.WriteString(`[^/]`)
			n = 1
		case '[':
			if n = bracket(&to, glob[at:]); n == 0 {
				return "", false
			}
		case '\\':
			if at++; at == len(glob) {
				return "", false
			}
			n = literal(&to, glob[at:])
		default:
			n = literal(&to, glob[at:])
		}
		at += n
	}
	to.WriteString(`)$`)
	return to.String(), true
}

// literal writes the first character and returns its length.
func literal(to *strings.Builder, text string) int {
	r, n := utf8.DecodeRuneInString(text)
	to.WriteString(regexp.QuoteMeta(string(r))) // U+FFFD for a stray byte, as regexp reads names
	return n
}

// stars writes one or more stars. Two that stand for a whole part of the path match any
// number of parts.
func stars(to *strings.Builder, glob string, at int) int {
	end := at
	for end < len(glob) && glob[end] == '*' {
		end++
	}
	whole := end-at > 1 && (at == 0 || glob[at-1] == '/')
	switch {
	case whole && end == len(glob):
		to.WriteString(`.+`)
	case whole && glob[end] == '/':
		to.WriteString(`(?:.*/)?`)
		end++
	default:
		to.WriteString(`[^/]*`)
	}
	return end - at
}

// bracket writes the set of characters that a text begins with and returns its length, 0
// when the set does not end or names an unknown class.
func bracket(to *strings.Builder, text string) int {
	var set strings.Builder
	at := 1
	negated := at < len(text) && (text[at] == '!' || text[at] == '^')
	if negated {
		at++
	}
	for first := true; ; first = false {
		if at >= len(text) {
			return 0
		}
		if text[at] == ']' && !first {
			break
		}
		n := element(&set, text[at:])
		if n == 0 {
			return 0
		}
		at += n
	}
	switch {
	case negated:
		to.WriteString(`[^/` + set.String() + `]`)
	case set.Len() == 0:
		to.WriteString(nothing)
	default:
		to.WriteString(`[` + set.String() + `]`)
	}
	return at + 1
}

// nothing is a set without a character.
const nothing = `[^\x00-\x{10FFFF}]`

// element writes one character, range or class of a set and returns its length, or 0.
func element(set *strings.Builder, text string) int {
	if strings.HasPrefix(text, "[:") {
		end := strings.Index(text, ":]")
		if end < 0 || classes[text[2:max(2, end)]] == "" {
			return 0
		}
		set.WriteString(classes[text[2:end]])
		return end + 2
	}
	low, n := member(text)
	if n == 0 {
		return 0
	}
	if rest := text[n:]; len(rest) > 1 && rest[0] == '-' && rest[1] != ']' {
		high, m := member(rest[1:])
		if m == 0 {
			return 0
		}
		span(set, low, low) // also where the range is empty, as in [z-a]
		span(set, low, high)
		return n + 1 + m
	}
	span(set, low, low)
	return n
}

// span writes the characters from low to high, without the slash: no set matches that.
func span(set *strings.Builder, low, high rune) {
	if low <= '/' && '/' <= high {
		span(set, low, '/'-1)
		span(set, '/'+1, high)
		return
	}
	if low <= high {
		set.WriteString(quoted(low) + "-" + quoted(high))
	}
}

// member reads one character of a set, which a backslash may precede.
func member(text string) (rune, int) {
	escape := 0
	if text[0] == '\\' {
		if len(text) == 1 {
			return 0, 0
		}
		escape = 1
	}
	r, n := utf8.DecodeRuneInString(text[escape:])
	return r, escape + n
}

func quoted(r rune) string {
	if strings.ContainsRune(`\]^-[&~`, r) {
		return `\` + string(r)
	}
	return string(r)
}

// classes are those of POSIX, without the slash.
var classes = map[string]string{
	"alnum": "[:alnum:]", "alpha": "[:alpha:]", "blank": "[:blank:]", "cntrl": "[:cntrl:]", "digit": "[:digit:]", "graph": "!-.0-~",
	"lower": "[:lower:]", "print": " -.0-~", "punct": "!-.:-@\\[-`{-~", "space": "[:space:]", "upper": "[:upper:]", "xdigit": "[:xdigit:]",
}
