package tokenizer

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

type normalizerEntry struct {
	Type        string            `json:"type"`
	Normalizers []normalizerEntry `json:"normalizers"`
	Pattern     patternEntry      `json:"pattern"`
	Content     string            `json:"content"`
	Charsmap    string            `json:"precompiled_charsmap"`
	StripLeft   bool              `json:"strip_left"`
	StripRight  bool              `json:"strip_right"`
	Prepend     string            `json:"prepend"`
}

type patternEntry struct {
	String *string `json:"String"`
	Regex  *string `json:"Regex"`
}

const maxNormalizerDepth = 8

// steps returns what the normalizers of a file do, and whether they lower-case.
func (n *normalizerEntry) steps(depth int) (steps normalizers, lowers bool, err error) {
	if n == nil {
		return nil, false, nil
	}
	if depth > maxNormalizerDepth {
		return nil, false, errors.New("normalizers are nested more than eight deep")
	}
	if n.Type == "Sequence" {
		for i := range n.Normalizers {
			inner, low, err := n.Normalizers[i].steps(depth + 1)
			if err != nil {
				return nil, false, err
			}
			steps, lowers = append(steps, inner...), lowers || low
		}
		return steps, lowers, nil
	}
	step, err := n.step()
	return normalizers{step}, n.Type == "Lowercase", err
}

func (n *normalizerEntry) step() (func(string) string, error) {
	switch n.Type {
	case "Lowercase":
		return lower, nil
	case "Strip":
		return strip(n.StripLeft, n.StripRight), nil
	case "Prepend":
		return func(s string) string {
			if s == "" {
				return s
			}
			return n.Prepend + s
		}, nil
	case "Precompiled":
		return n.charsmap()
	case "Replace":
		return n.replace()
	}
	return nil, fmt.Errorf("normalizer %q is not supported; SigLIP has Lowercase, Precompiled, Replace and Strip", n.Type)
}

func (n *normalizerEntry) charsmap() (func(string) string, error) {
	data, err := base64.StdEncoding.DecodeString(n.Charsmap)
	if err != nil {
		return nil, fmt.Errorf("normalizer Precompiled: %w", err)
	}
	c, err := parseCharsmap(data)
	if err != nil {
		return nil, fmt.Errorf("normalizer Precompiled: %w", err)
	}
	return c.apply, nil
}

func (n *normalizerEntry) replace() (func(string) string, error) {
	switch {
	case n.Pattern.String != nil && *n.Pattern.String != "":
		return func(s string) string { return strings.ReplaceAll(s, *n.Pattern.String, n.Content) }, nil
	case n.Pattern.Regex != nil && plainRegex.MatchString(*n.Pattern.Regex):
		pattern, err := regexp.Compile(strings.ReplaceAll(*n.Pattern.Regex, `\s`, whiteSpace))
		if err != nil {
			return nil, fmt.Errorf("normalizer Replace: %w", err)
		}
		return func(s string) string { return pattern.ReplaceAllLiteralString(s, n.Content) }, nil
	}
	return nil, errors.New(`normalizer "Replace" with this pattern is not supported; want a string, or characters in brackets`)
}

// whiteSpace is \s of Oniguruma, the engine of Hugging Face tokenizers.
const whiteSpace = `[\t-\r \x{85}\p{Z}]`

// plainRegex matches the regular expressions that mean the same to Oniguruma and to
// Go: a space, \s or characters in brackets, once or repeated. Inside brackets only
// ASCII counts, and characters with a special meaning there must be escaped.
var plainRegex = regexp.MustCompile(`^( |\\s|\[([0-9A-Za-z _!"#$%'()*+,./:;<=>?@{|}~` + "`" + `]|\\[!-/:-@\[-` + "`" + `{-~])+\])(\+|\{[0-9]{1,2},\})?$`)

type preTokenizerEntry struct {
	Type           string              `json:"type"`
	PreTokenizers  []preTokenizerEntry `json:"pretokenizers"`
	Pattern        patternEntry        `json:"pattern"`
	Behavior       string              `json:"behavior"`
	Invert         bool                `json:"invert"`
	Replacement    string              `json:"replacement"`
	PrependScheme  string              `json:"prepend_scheme"`
	AddPrefixSpace *bool               `json:"add_prefix_space"` // older files
	Split          *bool               `json:"split"`
}

func (e *preTokenizerEntry) splitter() (splitter, error) {
	if e == nil {
		return wholeText{}, nil
	}
	switch e.Type {
	case "Split":
		if e.Behavior == "MergedWithPrevious" && !e.Invert && e.Pattern.String != nil && *e.Pattern.String != "" {
			return splitAfter{*e.Pattern.String}, nil
		}
	case "Metaspace":
		return e.metaspace()
	case "WhitespaceSplit":
		return splitSpace{wholeText{}}, nil
	case "Sequence":
		return e.sequence()
	}
	return nil, fmt.Errorf("pre-tokenizer %q %q is not supported; SigLIP 2 has Split on a string with MergedWithPrevious, SigLIP 1 has Metaspace",
		e.Type, e.Behavior)
}

func (e *preTokenizerEntry) metaspace() (splitter, error) {
	if e.Replacement != space {
		return nil, fmt.Errorf("pre-tokenizer Metaspace replaces spaces by %q; want %q", e.Replacement, space)
	}
	m := metaspace{cut: e.Split == nil || *e.Split}
	switch {
	case e.PrependScheme == "always", e.PrependScheme == "" && (e.AddPrefixSpace == nil || *e.AddPrefixSpace):
		m.prepend = true
	case e.PrependScheme == "first":
		m.first = true
	case e.PrependScheme != "never" && e.PrependScheme != "":
		return nil, fmt.Errorf("pre-tokenizer Metaspace has prepend_scheme %q; want always, first or never", e.PrependScheme)
	}
	return m, nil
}

// sequence accepts that of T5: WhitespaceSplit, then Metaspace.
func (e *preTokenizerEntry) sequence() (splitter, error) {
	list := e.PreTokenizers
	if len(list) != 2 || list[0].Type != "WhitespaceSplit" || list[1].Type != "Metaspace" {
		return nil, errors.New("pre-tokenizer Sequence is not supported, save WhitespaceSplit before Metaspace")
	}
	inner, err := list[1].metaspace()
	return splitSpace{inner}, err
}
