package text

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// CheckJSON returns why JSON text cannot be used although encoding/json would read
// it: ErrNotUTF8; ErrZero, also for the escape \u0000; or half of a surrogate pair,
// which would become another character. It does not judge the syntax.
func CheckJSON(data []byte) error {
	if !utf8.Valid(data) {
		return ErrNotUTF8
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return ErrZero
	}
	for at := bytes.IndexByte(data, '\\'); at >= 0 && at < len(data); {
		size, err := checkEscape(data[at:])
		if err != nil {
			return err
		}
		next := bytes.IndexByte(data[min(at+size, len(data)):], '\\')
		if next < 0 {
			return nil
		}
		at += size + next
	}
	return nil
}

// checkEscape judges the escape at the start of data and says how long it is.
func checkEscape(data []byte) (int, error) {
	first, ok := escaped(data)
	switch {
	case !ok:
		return 2, nil
	case first == 0:
		return 0, ErrZero
	case first < 0xD800 || first > 0xDFFF:
		return 6, nil
	}
	if second, ok := escaped(data[6:]); ok && first < 0xDC00 && second >= 0xDC00 && second <= 0xDFFF {
		return 12, nil
	}
	return 0, fmt.Errorf("it holds half of a character, %s", data[:6])
}

// escaped reads \uXXXX.
func escaped(data []byte) (uint64, bool) {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	code, err := strconv.ParseUint(string(data[2:6]), 16, 16)
	return code, err == nil
}

// maxNesting bounds the objects and lists within one another.
const maxNesting = 100

// Object reads one JSON object, or null as none. Keys and texts come in NFC, numbers as Number
// reads them, all else as json.Unmarshal makes it. A key that occurs twice, also
// when its two spellings differ only in Unicode form, is an error that names it:
// readers would not agree which one counts. So is what CheckJSON refuses.
func Object(data []byte) (map[string]any, error) {
	if err := CheckJSON(data); err != nil {
		return nil, err
	}
	return object(data)
}

func object(data []byte) (map[string]any, error) {
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		return nil, explain(data, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	value, err := reader{decoder}.value(0)
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok && value != nil {
		return nil, errors.New("it is not a JSON object")
	}
	return object, nil
}

// explain says in which line JSON breaks.
func explain(data []byte, err error) error {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return err
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return errors.New("it is empty")
	}
	before := data[:min(max(int(syntax.Offset)-1, 0), len(data))]
	return fmt.Errorf("line %d, byte %d: %w", 1+bytes.Count(before, []byte("\n")), len(before)-bytes.LastIndexByte(before, '\n'), err)
}

// StoredObject is Object for JSON that was accepted before, perhaps under older
// rules: texts come as they are, and an integer that Number refuses as the nearest
// float64.
func StoredObject(data []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	return object, plain(object)
}

// plain replaces the numbers in a value, and returns the last error.
func plain(value any) (err error) {
	replace := func(inner any) any {
		number, ok := inner.(json.Number)
		if !ok {
			err = cmp.Or(plain(inner), err)
			return inner
		}
		if exact, refused := Number(number); refused == nil {
			return exact
		}
		nearest, tooLarge := number.Float64()
		err = cmp.Or(tooLarge, err)
		return nearest
	}
	switch value := value.(type) {
	case []any:
		for i, inner := range value {
			value[i] = replace(inner)
		}
	case map[string]any:
		for key, inner := range value {
			value[key] = replace(inner)
		}
	}
	return err
}

// reader reads JSON that is known to be valid.
type reader struct{ *json.Decoder }

func (r reader) value(depth int) (any, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("it is nested deeper than %d", maxNesting)
	}
	token, err := r.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case json.Delim:
		if token == '{' {
			return r.object(depth)
		}
		return r.list(depth)
	case json.Number:
		return Number(token)
	case string:
		return NFC(token), nil
	}
	return token, nil
}

func (r reader) object(depth int) (any, error) {
	object := make(map[string]any)
	for r.More() {
		token, err := r.Token()
		if err != nil {
			return nil, err
		}
		key := NFC(token.(string))
		if _, twice := object[key]; twice {
			return nil, fmt.Errorf("the key %.80q occurs twice", key)
		}
		value, err := r.value(depth + 1)
		if err != nil {
			return nil, fmt.Errorf("key %.80q: %w", key, err)
		}
		object[key] = value
	}
	_, err := r.Token()
	return object, err
}

func (r reader) list(depth int) (any, error) {
	list := make([]any, 0)
	for r.More() {
		value, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	_, err := r.Token()
	return list, err
}
