package search

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"polylens/internal/text"
)

// Bounds of a field name.
const (
	maxFieldKeys = 16 // from the outermost object inwards
	maxFieldKey  = 64 // characters of one key
)

// Fields returns the places that a field of a filter may mean, each a list of keys
// from the outermost object inwards; one is enough to fulfil a comparison.
//
// A field is keys with dots between them. Any character may stand in a key but
// quotation marks, backslashes, brackets and control characters. A key that holds a dot, or
// begins with a backtick, stands in backticks, and a backtick in it is doubled:
//
//	year            the key "year"
//	photo date      the key "photo date"
//	nested.b        the key "b" of the object in "nested", or the key "nested.b"
//	`a.b`.c         the key "c" of the object in "a.b"
//	tags.0          the first element of the list in "tags"
//
// Keys are 1 to 64 characters long, and there are at most 16.
func Fields(field string) ([][]string, error) {
	keys, quoted, err := splitField(field)
	if err == nil {
		err = checkKeys(keys)
	}
	if quoted || len(keys) == 1 {
		return [][]string{keys}, wrapField(field, err)
	}
	// Without backticks the whole may be one key, as it stands.
	whole := []string{field}
	if errWhole := checkKeys(whole); errWhole != nil {
		return [][]string{keys}, wrapField(field, err)
	}
	if err != nil {
		return [][]string{whole}, nil
	}
	return [][]string{whole, keys}, nil
}

func wrapField(field string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("filter field %.80q: %w", field, err)
}

// splitField takes a field apart at the dots outside of backticks.
func splitField(field string) (keys []string, quoted bool, err error) {
	for rest := field; ; {
		var key string
		inBackticks := strings.HasPrefix(rest, "`")
		if inBackticks {
			key, rest, err = unquoteKey(rest)
		} else if at := strings.IndexByte(rest, '.'); at >= 0 {
			key, rest = rest[:at], rest[at:]
		} else {
			key, rest = rest, ""
		}
		if err != nil {
			return nil, true, err
		}
		keys, quoted = append(keys, key), quoted || inBackticks
		if rest == "" {
			return keys, quoted, nil
		}
		if rest[0] != '.' {
			return nil, true, errors.New("a dot or nothing must follow a key in backticks")
		}
		rest = rest[1:]
	}
}

// unquoteKey reads a key in backticks from the start of text.
func unquoteKey(text string) (key, rest string, err error) {
	var out strings.Builder
	for rest = text[1:]; ; {
		at := strings.IndexByte(rest, '`')
		if at < 0 {
			return "", "", errors.New("a backtick has no partner")
		}
		out.WriteString(rest[:at])
		if rest = rest[at+1:]; !strings.HasPrefix(rest, "`") {
			return out.String(), rest, nil
		}
		out.WriteByte('`')
		rest = rest[1:]
	}
}

func checkKeys(keys []string) error {
	if len(keys) > maxFieldKeys {
		return fmt.Errorf("%d keys, at most %d are allowed", len(keys), maxFieldKeys)
	}
	for _, key := range keys {
		if err := text.Check(key); err != nil {
			return err
		}
		if length := utf8.RuneCountInString(key); length < 1 || length > maxFieldKey {
			return fmt.Errorf("a key of %d characters, 1 to %d are allowed", length, maxFieldKey)
		}
		if at := strings.IndexFunc(key, notInKey); at >= 0 {
			r, _ := utf8.DecodeRuneInString(key[at:])
			return fmt.Errorf("a key may hold letters of any script, digits and spaces, but not %q", r)
		}
	}
	return nil
}

// notInKey holds what Milvus' expressions cannot name.
func notInKey(r rune) bool { return unicode.IsControl(r) || strings.ContainsRune(`"\[]`, r) }

// quoteField is the inverse of Fields: it writes keys so that they mean nothing else.
func quoteField(keys []string) string {
	quoted := make([]string, len(keys))
	for i, key := range keys {
		quoted[i] = key
		if strings.Contains(key, ".") || strings.HasPrefix(key, "`") {
			quoted[i] = "`" + strings.ReplaceAll(key, "`", "``") + "`"
		}
	}
	return strings.Join(quoted, ".")
}

// valuesAt returns what metadata holds in the places that a field may mean.
func valuesAt(metadata map[string]any, field string) []any {
	places, err := Fields(field)
	if err != nil {
		return nil
	}
	var values []any
	for _, keys := range places {
		if value, found := valueAt(metadata, keys); found {
			values = append(values, value)
		}
	}
	return values
}

// valueAt follows keys into objects, and numbers among them into lists.
func valueAt(metadata map[string]any, keys []string) (value any, found bool) {
	value, found = metadata[keys[0]]
	for _, key := range keys[1:] {
		switch inside := value.(type) {
		case map[string]any:
			value, found = inside[key]
		case []any:
			at, err := strconv.Atoi(key)
			if found = err == nil && at >= 0 && at < len(inside) && strconv.Itoa(at) == key; found {
				value = inside[at]
			}
		default:
			found = false
		}
		if !found {
			return nil, false
		}
	}
	return value, found
}

// fieldsOf returns the fields that a filter asks for, each once.
func fieldsOf(filter Filter) []string {
	var fields []string
	switch filter := filter.(type) {
	case And:
		for _, part := range filter {
			fields = append(fields, fieldsOf(part)...)
		}
	case Or:
		for _, part := range filter {
			fields = append(fields, fieldsOf(part)...)
		}
	case Not:
		fields = fieldsOf(filter.Filter)
	case Compare:
		fields = []string{filter.Field}
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}
