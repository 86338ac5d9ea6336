package adapter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
)

// patterns are exceptions for some layers, in the order of the file: the first
// that matches counts.
type patterns []pattern

// pattern gives a value to the layers whose name ends with what key, a regular
// expression, matches.
type pattern struct {
	key        string
	expression *regexp.Regexp
	value      float64
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
	expression, err := regexp.Compile(`^(?:.*\.)?(?:` + key + `)$`)
	if err != nil {
		return pattern{}, fmt.Errorf("key %q: %w; write the names of the layers out instead", key, err)
	}
	return pattern{key, expression, value}, nil
}

func (p patterns) find(layer string, otherwise float64) float64 {
	for _, exception := range p {
		if exception.expression.MatchString(layer) {
			return exception.value
		}
	}
	return otherwise
}
