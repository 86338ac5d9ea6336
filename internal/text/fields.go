package text

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Fields is Object for JSON that a stranger's program wrote: a field whose value cannot
// be used, or that occurs twice, is left out, and lost says why, one error a field. Values
// within a field are not taken apart: one that is bad loses the field. err is for what is
// no JSON object in UTF-8; there are no fields then.
func Fields(data []byte) (fields map[string]any, lost []error, err error) {
	if !utf8.Valid(data) {
		return nil, nil, ErrNotUTF8
	}
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		return nil, nil, explain(data, err)
	}
	whole = bytes.TrimSpace(whole)
	if len(whole) == 0 || whole[0] != '{' {
		if string(whole) == "null" {
			return nil, nil, nil
		}
		return nil, nil, errors.New("it is not a JSON object")
	}
	found := members{data: whole, Decoder: json.NewDecoder(bytes.NewReader(whole)), fields: make(map[string]any), seen: make(map[string]bool)}
	err = found.read()
	return found.fields, found.lost, err
}

// members takes apart the fields of one object that is known to be valid JSON.
type members struct {
	*json.Decoder
	data   []byte
	fields map[string]any
	seen   map[string]bool
	lost   []error
}

func (m *members) read() error {
	if _, err := m.Token(); err != nil {
		return err
	}
	for m.More() {
		start := m.InputOffset()
		key, err := m.Token()
		if err != nil {
			return err
		}
		written := m.data[start:m.InputOffset()] // the key as it stands, before halves of characters are replaced
		var value json.RawMessage
		if err := m.Decode(&value); err != nil {
			return err
		}
		m.take(key.(string), written, value)
	}
	return nil
}

func (m *members) take(key string, written, value []byte) {
	if err := CheckJSON(written); err != nil {
		m.lost = append(m.lost, fmt.Errorf("the name of its field %.80q: %w", key, err))
		return
	}
	key = NFC(key)
	if m.seen[key] {
		if _, first := m.fields[key]; first {
			delete(m.fields, key)
			m.lost = append(m.lost, fmt.Errorf("its field %.80q occurs twice", key))
		}
		return
	}
	m.seen[key] = true
	used, err := usable(value)
	if err != nil {
		m.lost = append(m.lost, fmt.Errorf("its field %.80q: %w", key, err))
		return
	}
	m.fields[key] = used
}

func usable(value []byte) (any, error) {
	if err := CheckJSON(value); err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	return reader{decoder}.value(1)
}
