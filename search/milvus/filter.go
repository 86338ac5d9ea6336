package milvus

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"polylens/search"
)

// Milvus has no literal for true: every row has an ID, none an empty one.
const (
	alwaysTrue = idField + ` != ""`
	neverTrue  = idField + ` == ""`
)

// compile writes a filter in Milvus' expression language. User text enters it
// only as a checked field name or through quote. nil compiles to "".
func compile(filter search.Filter) (string, error) {
	if filter == nil {
		return "", nil
	}
	if err := search.CheckFilter(filter); err != nil {
		return "", err
	}
	return expression(filter)
}

func expression(filter search.Filter) (string, error) {
	switch filter := filter.(type) {
	case search.And:
		return joined(filter, " and ", alwaysTrue)
	case search.Or:
		return joined(filter, " or ", neverTrue)
	case search.Not:
		part, err := expression(filter.Filter)
		return "(not " + part + ")", err
	case search.Compare:
		return comparison(filter)
	}
	return "", fmt.Errorf("filter of unknown kind %T", filter)
}

func joined(parts []search.Filter, operator, empty string) (string, error) {
	if len(parts) == 0 {
		return "(" + empty + ")", nil
	}
	expressions := make([]string, len(parts))
	for i, part := range parts {
		var err error
		if expressions[i], err = expression(part); err != nil {
			return "", err
		}
	}
	return "(" + strings.Join(expressions, operator) + ")", nil
}

var operators = map[search.Op]string{
	search.Eq: "==", search.Lt: "<", search.Le: "<=", search.Gt: ">", search.Ge: ">=",
}

func comparison(compare search.Compare) (string, error) {
	field := metadataField + `["` + compare.Field + `"]`
	switch compare.Op {
	case search.In:
		return oneOf(compare)
	case search.Ne: // Milvus' own != fails for missing fields
		return expression(search.Not{Filter: search.Compare{Field: compare.Field, Op: search.Eq, Value: compare.Value}})
	case search.Contains:
		value, err := literal(compare.Value)
		return "json_contains(" + field + ", " + value + ")", err
	}
	operator, ok := operators[compare.Op]
	if !ok {
		return "", fmt.Errorf("unknown comparison %q", compare.Op)
	}
	value, err := literal(compare.Value)
	return "(" + field + " " + operator + " " + value + ")", err
}

// oneOf spells In as equalities: Milvus' own in wants one type of value.
func oneOf(compare search.Compare) (string, error) {
	values, ok := compare.Value.([]any)
	if !ok {
		return "", fmt.Errorf("in needs a list, not %T", compare.Value)
	}
	parts := make(search.Or, len(values))
	for i, value := range values {
		parts[i] = search.Compare{Field: compare.Field, Op: search.Eq, Value: value}
	}
	return expression(parts)
}

// literal writes a value. Numbers are always floats, which Milvus compares
// with stored integers as well.
func literal(value any) (string, error) {
	switch value := value.(type) {
	case string:
		return quote(value)
	case bool:
		return strconv.FormatBool(value), nil
	case float64:
		text := strconv.FormatFloat(value, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return text, nil
	}
	return "", fmt.Errorf("value of type %T", value)
}

// quote writes a string literal of Milvus' expression language: in double
// quotes and ASCII, everything else as \u escapes, so that no character can
// end the literal or mean anything.
func quote(text string) (string, error) {
	if !utf8.ValidString(text) {
		return "", errors.New("not valid UTF-8")
	}
	if strings.ContainsRune(text, 0) {
		return "", errors.New("holds a zero character")
	}
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r >= ' ' && r <= '~':
			out.WriteRune(r)
		case r > 0xFFFF:
			fmt.Fprintf(&out, `\U%08x`, r)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	out.WriteByte('"')
	return out.String(), nil
}
