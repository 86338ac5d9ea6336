package metadata

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
)

// Parse reads a JSON object. Its values are as json.Unmarshal makes them, except for
// integers that float64 cannot hold, such as the IDs of databases: those are int64
// where they fit.
func Parse(data []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	for key, value := range object {
		converted, err := plain(value)
		if err != nil {
			return nil, err
		}
		object[key] = converted
	}
	return object, nil
}

// plain replaces the numbers in a value.
func plain(value any) (any, error) {
	var err error
	switch value := value.(type) {
	case json.Number:
		return number(value)
	case []any:
		for i := range value {
			if value[i], err = plain(value[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key := range value {
			if value[key], err = plain(value[key]); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}

// exact is the largest integer up to which float64 holds every one.
const exact = 1 << 53

// number fails for what float64 is too small for.
func number(text json.Number) (any, error) {
	integer, err := strconv.ParseInt(string(text), 10, 64)
	if err == nil && (integer > exact || integer < -exact) {
		return integer, nil
	}
	value, err := text.Float64()
	if err != nil || math.IsInf(value, 0) {
		return nil, errors.New("number " + string(text) + " is too large")
	}
	return value, nil
}
