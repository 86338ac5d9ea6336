package evaluate

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// placeholder is where a template takes a prompt.
const placeholder = "{}"

// maxClassLine bounds one line of a file of classes, in bytes.
const maxClassLine = 1 << 20

// Class is one answer that a classification can give.
type Class struct {
	Label   string              // as pictures are labelled
	Prompts map[string][]string // what it is called, by language
}

// Classes are all answers, with the sentences that prompts are put into.
type Classes struct {
	Classes   []Class
	Templates map[string][]string // by language, each with one "{}" or more
}

// classLine is one line of a file of classes.
type classLine struct {
	Label     string              `json:"label"`
	Prompts   map[string][]string `json:"prompts"`
	Templates map[string][]string `json:"templates"`
}

// ParseClasses reads a file of classes, one a line. A line is the label itself,
// which is then its prompt in the given language, or a JSON object:
//
//	{"label": "dog", "prompts": {"en": ["dog", "puppy"], "de": ["Hund"]}}
//	{"templates": {"en": ["a photo of a {}.", "a drawing of a {}."]}}
//
// Lines of templates may stand anywhere; a language without any takes its prompts
// as they are. Languages are in lower case afterwards. Errors name the line.
func ParseClasses(from io.Reader, language string) (Classes, error) {
	read := Classes{Templates: make(map[string][]string)}
	known := make(map[string]bool)
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxClassLine)
	number := 0
	for lines.Scan() {
		number++
		text := bytes.TrimSpace(bytes.TrimPrefix(lines.Bytes(), []byte("\ufeff")))
		if len(text) == 0 {
			continue
		}
		line, err := parseClass(text, language)
		if err == nil && line.Label != "" && known[line.Label] {
			err = fmt.Errorf("label %q stands there twice", line.Label)
		}
		if err != nil {
			return Classes{}, fmt.Errorf("classes, line %d: %w", number, err)
		}
		for tag, templates := range line.Templates {
			read.Templates[tag] = append(read.Templates[tag], templates...)
		}
		if line.Label != "" {
			known[line.Label] = true
			read.Classes = append(read.Classes, Class{line.Label, line.Prompts})
		}
	}
	if err := lines.Err(); err != nil {
		return Classes{}, fmt.Errorf("classes, line %d: %w", number+1, err)
	}
	if len(read.Classes) < 2 {
		return Classes{}, fmt.Errorf("classes: there are %d, want at least 2 to choose between", len(read.Classes))
	}
	return read, nil
}

func parseClass(text []byte, language string) (classLine, error) {
	if !utf8.Valid(text) {
		return classLine{}, errors.New("it is not UTF-8")
	}
	if text[0] != '{' {
		label := string(text)
		line := classLine{Label: label, Prompts: map[string][]string{language: {label}}}
		return line, line.check()
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var line classLine
	if err := decoder.Decode(&line); err != nil {
		return classLine{}, fmt.Errorf(`it is no object with "label" and "prompts", or "templates": %w`, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return classLine{}, errors.New("something follows the object")
	}
	line.Prompts, line.Templates = lowerTags(line.Prompts), lowerTags(line.Templates)
	return line, line.check()
}

func lowerTags(texts map[string][]string) map[string][]string {
	lowered := make(map[string][]string, len(texts))
	for _, tag := range slices.Sorted(maps.Keys(texts)) {
		lower := strings.ToLower(tag)
		lowered[lower] = append(lowered[lower], texts[tag]...)
	}
	return lowered
}

func (l classLine) check() error {
	if (l.Label == "") != (len(l.Prompts) == 0) || l.Label == "" && len(l.Templates) == 0 {
		return errors.New(`it has not both "label" and "prompts", nor "templates"`)
	}
	for tag, prompts := range l.Prompts {
		if tag == "" || len(prompts) == 0 || slices.ContainsFunc(prompts, func(p string) bool { return Canonical(p) == "" }) {
			return fmt.Errorf("the prompts of language %q are empty", tag)
		}
	}
	for tag, templates := range l.Templates {
		if err := CheckTemplates(templates); tag == "" || err != nil {
			return fmt.Errorf("templates of language %q: %w", tag, err)
		}
	}
	return nil
}

// CheckTemplates reports whether each template has a place for a prompt.
func CheckTemplates(templates []string) error {
	if len(templates) == 0 {
		return errors.New("there are none")
	}
	for _, template := range templates {
		if !strings.Contains(template, placeholder) {
			return fmt.Errorf("%q has no %s where the prompt goes", template, placeholder)
		}
	}
	return nil
}

// Languages in which there are prompts, in alphabetical order.
func (c Classes) Languages() []string {
	seen := make(map[string]bool)
	for _, class := range c.Classes {
		for language := range class.Prompts {
			seen[language] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// sentences are the prompts of a class in all templates, in the form in which
// they are encoded.
func (c Classes) sentences(class Class, language string) []string {
	templates := c.Templates[language]
	if len(templates) == 0 {
		templates = []string{placeholder}
	}
	var all []string
	for _, prompt := range class.Prompts[language] {
		for _, template := range templates {
			all = append(all, Canonical(strings.ReplaceAll(template, placeholder, prompt)))
		}
	}
	return all
}

// Canonical is the form in which the SigLIP models were classified with: in
// lower case, "_" as space, without the punctuation of ASCII, and with single
// spaces.
func Canonical(text string) string {
	var kept strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case r == '_':
			kept.WriteByte(' ')
		case !isPunctuation(r):
			kept.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(kept.String()), " ")
}

func isPunctuation(r rune) bool {
	return '!' <= r && r <= '/' || ':' <= r && r <= '@' || '[' <= r && r <= '`' || '{' <= r && r <= '~'
}
