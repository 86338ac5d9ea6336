package adapter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"regexp/syntax"
)

// maxPatternWork bounds the product of what all patterns have, in instructions of their
// automatons, and all names that they are tried on, in bytes. One for each layer of the
// largest model has a tenth of it.
const maxPatternWork = 10_000_000_000

// patterns are exceptions for some layers, in the order of the file: the first
// that matches counts.
type patterns []pattern

// pattern gives a value to the layers whose name ends with what key, a regular
// expression, matches.
type pattern struct {
	key        string
	expression *regexp.Regexp
	value      float64
	size       int64 // instructions
}

// UnmarshalJSON keeps the order of the object, which a map would lose.
func (p *patterns) UnmarshalJSON(content []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(content))
	start, err := decoder.Token()
	if err != nil || start == nil {
		return err
	}
	if start != json.Delim('{') {
		return fmt.Errorf("is %s, no object", content)
	}
	for decoder.More() {
		exception, err := decodePattern(decoder)
		if err != nil {
			return err
		}
		*p = append(*p, exception)
	}
	return nil
}

func decodePattern(decoder *json.Decoder) (pattern, error) {
	token, err := decoder.Token()
	if err != nil {
		return pattern{}, err
	}
	key := token.(string) // the decoder accepts nothing else as a key
	var value float64
	if err := decoder.Decode(&value); err != nil {
		return pattern{}, fmt.Errorf("value of %q: %w", key, err)
	}
	// Whole names, or what follows a dot: the rule of PEFT's get_pattern_key.
	text := `^(?:.*\.)?(?:` + key + `)$`
	expression, err := regexp.Compile(text)
	if err != nil {
		return pattern{}, fmt.Errorf("key %q: %w; write the names of the layers out instead", key, err)
	}
	size, err := sizeOf(text)
	return pattern{key, expression, value, size}, err
}

// sizeOf is the size of the automaton of a regular expression, which counted
// repetitions make much larger than its text.
func sizeOf(text string) (int64, error) {
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return 0, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0, err
	}
	return int64(len(program.Inst)), nil
}

// checkWork bounds the time that finding the exceptions for all names can take.
func (c config) checkWork(names []string) error {
	var instructions, bytes int64
	for _, exceptions := range []patterns{c.ranks, c.alphas} {
		for _, exception := range exceptions {
			instructions += exception.size
		}
	}
	for _, name := range names {
		bytes += int64(len(name))
	}
	if bytes > 0 && instructions > maxPatternWork/bytes {
		return fmt.Errorf("rank_pattern and alpha_pattern are too many and too long for %d tensors; write the names of the layers out instead", len(names))
	}
	return nil
}

func (p patterns) find(layer string, otherwise float64) float64 {
	for _, exception := range p {
		if exception.expression.MatchString(layer) {
			return exception.value
		}
	}
	return otherwise
}
