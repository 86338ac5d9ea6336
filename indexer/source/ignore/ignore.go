package ignore

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Limits of what a stranger's file may ask for: a compiled pattern takes some hundred
// times the memory of its text.
const (
	MaxText    = 64 << 10 // bytes of a list
	MaxPattern = 1 << 10  // bytes of one pattern
)

// Pattern is one line of a .gitignore file, as https://git-scm.com/docs/gitignore
// describes it. It differs from git in two ways: it takes names as characters, not as
// bytes, so that "?" stands for one "ü"; and names are compared in Unicode's normal form
// NFC, so that a pattern fits the names of any computer.
type Pattern struct {
	text       string
	negated    bool
	folderOnly bool
	byName     bool // matches the last part of a path alone
	literal    string
	expression *regexp.Regexp // nil: literal is the whole name or path
}

// List is patterns in order. The last one that matches decides.
type List []Pattern

// String is the pattern as it was written.
func (p Pattern) String() string { return p.text }

// Negated reports whether the pattern takes back what earlier ones exclude.
func (p Pattern) Negated() bool { return p.negated }

// Parse reads a list, one pattern a line. Empty lines and comments say nothing, and a
// pattern that cannot match, such as one with an open bracket, is left out, all as git
// does it. An error says which limit the text exceeds.
func Parse(text []byte) (List, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("it has more than %d bytes", MaxText)
	}
	var list List
	number := 0
	for line := range bytes.Lines(bytes.TrimPrefix(text, []byte("\ufeff"))) {
		number++
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		pattern, ok, err := ParsePattern(string(line))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if ok {
			list = append(list, pattern)
		}
	}
	return list, nil
}

// ParsePattern reads one pattern; false for a line that can match nothing. An error says
// that it is too long.
func ParsePattern(line string) (Pattern, bool, error) {
	if len(line) > MaxPattern {
		return Pattern{}, false, fmt.Errorf("a pattern has %d bytes, at most %d are allowed", len(line), MaxPattern)
	}
	glob := trimSpaces(line)
	p := Pattern{text: glob}
	if glob == "" || glob[0] == '#' {
		return p, false, nil
	}
	if glob[0] == '!' {
		p.negated, glob = true, glob[1:]
	}
	if strings.HasSuffix(glob, "/") {
		p.folderOnly, glob = true, glob[:len(glob)-1]
	}
	p.byName = !strings.Contains(glob, "/")
	glob = norm.NFC.String(strings.TrimPrefix(glob, "/"))
	if glob == "" {
		return p, false, nil
	}
	if !strings.ContainsAny(glob, `*?[\`) {
		p.literal = glob
		return p, true, nil
	}
	expression, ok := translate(glob)
	if !ok {
		return p, false, nil
	}
	var err error
	p.expression, err = regexp.Compile(expression)
	return p, err == nil, nil // what cannot be compiled is a range such as z-a, which matches nothing
}

// trimSpaces removes the spaces at the end of a line that no backslash keeps.
func trimSpaces(line string) string {
	end := len(line)
	for end > 0 && line[end-1] == ' ' {
		end--
	}
	if end == len(line) || !isEscaped(line[:end]) {
		return line[:end]
	}
	return line[:end+1]
}

// isEscaped reports whether the character after a text is taken literally.
func isEscaped(before string) bool {
	backslashes := len(before) - len(strings.TrimRight(before, `\`))
	return backslashes%2 == 1
}

// Match returns the last pattern that matches a path, which has slashes and is relative
// to the folder of the list, or nil.
func (l List) Match(name string, isFolder bool) *Pattern {
	if len(l) == 0 {
		return nil
	}
	name = norm.NFC.String(name)
	base := path.Base(name)
	for i := len(l) - 1; i >= 0; i-- {
		p := &l[i]
		if p.folderOnly && !isFolder {
			continue
		}
		subject := name
		if p.byName {
			subject = base
		}
		if p.expression == nil && p.literal == subject || p.expression != nil && p.expression.MatchString(subject) {
			return p
		}
	}
	return nil
}
