package tokenizer

import (
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Cleaning names what is done to a text before it is tokenized. A model sees
// its training texts again only if they are cleaned as they were then.
type Cleaning string

const (
	// CleaningAuto is what the reference implementation of the directory does:
	// CleaningLowercase for SigLIP 2, CleaningCanonicalize for SigLIP 1.
	CleaningAuto Cleaning = ""
	// CleaningLowercase maps each character to lower case, as Siglip2Tokenizer
	// of transformers does.
	CleaningLowercase Cleaning = "lowercase"
	// CleaningCanonicalize is canonicalize_text of transformers' SiglipTokenizer:
	// lower case, no ASCII punctuation, runs of white space made one space.
	CleaningCanonicalize Cleaning = "canonicalize"
	// CleaningOpenCLIP is what open_clip does when tokenizer_kwargs.clean is
	// "canonicalize": it repairs the text (see openCLIPClean), turns "_" into a
	// space, then does as CleaningCanonicalize.
	CleaningOpenCLIP Cleaning = "open_clip"
	// CleaningNone leaves everything to the normalizers of the file.
	CleaningNone Cleaning = "none"
)

func (c Cleaning) check() error {
	switch c {
	case CleaningAuto, CleaningLowercase, CleaningCanonicalize, CleaningOpenCLIP, CleaningNone:
		return nil
	}
	return fmt.Errorf("cleaning %q is unknown; want %s, %s, %s, %s or nothing", string(c),
		CleaningLowercase, CleaningCanonicalize, CleaningOpenCLIP, CleaningNone)
}

// textCleaner returns the function that cleans the text as typed; nil if the
// text stays as it is.
func (c Cleaning) textCleaner() func(string) string {
	switch c {
	case CleaningCanonicalize:
		return canonicalize
	case CleaningOpenCLIP:
		return openCLIPClean
	}
	return nil
}

// canonicalize is canonicalize_text of SiglipTokenizer in transformers 5.23.
func canonicalize(s string) string { return collapse(withoutPunctuation(lowerString(s))) }

// openCLIPClean is canonicalize_text(basic_clean(s)) of open_clip 3, save that
// the part of ftfy which guesses at text decoded with the wrong character set
// is left out: what people type into a search field does not need it.
func openCLIPClean(s string) string {
	if !strings.Contains(s, "<") {
		s = unescape(s)
	}
	s = unescape(unescape(repair(s)))
	s = strings.ReplaceAll(s, "_", " ")
	return collapse(lowerString(withoutPunctuation(s)))
}

// unescape is Python's html.unescape. Of package html it differs in numbers:
// those of controls vanish, and a single digit needs no semicolon.
func unescape(s string) string {
	if !strings.Contains(s, "&") {
		return s
	}
	return html.UnescapeString(numericReference.ReplaceAllStringFunc(s, func(reference string) string {
		digits, base := strings.TrimSuffix(reference[2:], ";"), 10
		if digits[0] == 'x' || digits[0] == 'X' {
			digits, base = digits[1:], 16
		}
		n, err := strconv.ParseInt(digits, base, 32)
		switch {
		case err != nil: // beyond 32 bits
			return "\uFFFD"
		case isInvalidReference(rune(n)):
			return ""
		}
		return fmt.Sprintf("&#%d;", n)
	}))
}

var numericReference = regexp.MustCompile(`&#(?:[0-9]+|[xX][0-9a-fA-F]+);?`)

func isInvalidReference(r rune) bool {
	return r >= 1 && r < ' ' && r != '\t' && r != '\n' && r != '\f' && r != '\r' || r == 0x7F ||
		r >= 0xFDD0 && r <= 0xFDEF || r >= 0xFFFE && r <= utf8.MaxRune && r&0xFFFE == 0xFFFE
}

// withoutPunctuation drops the 32 characters of Python's string.punctuation.
func withoutPunctuation(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 && r > ' ' && r != 0x7F && !isAlphanumeric(r) {
			return -1
		}
		return r
	}, s)
}

func isAlphanumeric(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// collapse makes each run of white space one space and drops it at the ends.
func collapse(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range s {
		if isPythonSpace(r) {
			space = b.Len() > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// isPythonSpace is Python's str.isspace, which counts four more controls than
// Unicode's White_Space.
func isPythonSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1C && r <= 0x1F }

// repair does, in its order, what ftfy.fix_text 6 does to a text that was
// decoded properly.
func repair(s string) string {
	s = ligatures.Replace(s)
	s = strings.Map(plainQuote, narrow(s))
	s = lineBreaks.Replace(s)
	s = terminalEscape.ReplaceAllString(s, "")
	s = strings.Map(dropControl, s)
	return norm.NFC.String(s)
}

var (
	terminalEscape = regexp.MustCompile(`\x1b\[[\d;]*[a-zA-Z]`)
	lineBreaks     = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\u0085", "\n")
	ligatures      = strings.NewReplacer(
		"Ĳ", "IJ", "ĳ", "ij", "ŉ", "ʼn", "Ǳ", "DZ", "ǲ", "Dz", "ǳ", "dz", "Ǆ", "DŽ", "ǅ", "Dž", "ǆ", "dž",
		"Ǉ", "LJ", "ǈ", "Lj", "ǉ", "lj", "Ǌ", "NJ", "ǋ", "Nj", "ǌ", "nj",
		"ﬀ", "ff", "ﬁ", "fi", "ﬂ", "fl", "ﬃ", "ffi", "ﬄ", "ffl", "ﬅ", "ſt", "ﬆ", "st")
)

// narrow replaces halfwidth and fullwidth forms by the ordinary characters.
func narrow(s string) string {
	if strings.IndexFunc(s, isWidthForm) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\u3000':
			b.WriteByte(' ')
		case isWidthForm(r):
			b.WriteString(norm.NFKC.String(string(r)))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isWidthForm(r rune) bool { return r == '\u3000' || r >= 0xFF01 && r <= 0xFFEF }

func plainQuote(r rune) rune {
	switch {
	case r == '\u02BC' || r >= '\u2018' && r <= '\u201B':
		return '\''
	case r >= '\u201C' && r <= '\u201F':
		return '"'
	}
	return r
}

// dropControl drops the controls that have no place in a text; those of white
// space stay.
func dropControl(r rune) rune {
	switch {
	case r < ' ' && r != '\t' && r != '\n' && r != '\f' && r != '\r', r == 0x7F,
		r >= 0x206A && r <= 0x206F, r == 0xFEFF, r >= 0xFFF9 && r <= 0xFFFC:
		return -1
	}
	return r
}
