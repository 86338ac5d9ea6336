package safetensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

const maxNesting = 32

// checkKeys demands that no object in a JSON text has a key twice, because
// parsers disagree about which of the two counts, that it is not deep, and that
// no object at a depth, counted from 1, has more than so many keys.
func checkKeys(content []byte, depth, most int, what string) error {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	var open []map[string]bool // the keys of each open object, nil for arrays
	isKey := false             // the next string is a key
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("holds broken JSON: %w", err)
		}
		name, isName := token.(string)
		switch {
		case token == json.Delim('{'):
			open = append(open, map[string]bool{})
		case token == json.Delim('['):
			open = append(open, nil)
		case token == json.Delim('}') || token == json.Delim(']'):
			open = open[:len(open)-1]
		case isKey && isName && open[len(open)-1][name]:
			return fmt.Errorf("names %q twice", name)
		case isKey && isName:
			open[len(open)-1][name] = true
			if len(open) == depth && len(open[depth-1]) > most {
				return fmt.Errorf("names more than %d %s", maxTensors, what)
			}
			isKey = false
			continue
		}
		if len(open) > maxNesting {
			return fmt.Errorf("holds JSON nested more than %d deep", maxNesting)
		}
		isKey = len(open) > 0 && open[len(open)-1] != nil
	}
}
