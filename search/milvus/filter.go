package milvus

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
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

// comparison holds in one of the places that the field may mean.
func comparison(compare search.Compare) (string, error) {
	switch compare.Op {
	case search.In:
		return oneOf(compare)
	case search.Ne: // Milvus' own != fails for missing fields
		return expression(search.Not{Filter: search.Compare{Field: compare.Field, Op: search.Eq, Value: compare.Value}})
	}
	places, err := search.Fields(compare.Field)
	if err != nil {
		return "", err
	}
	parts := make([]string, len(places))
	for i, keys := range places {
		field, err := fieldAt(keys)
		if err != nil {
			return "", err
		}
		if parts[i], err = comparisonAt(field, compare.Op, compare.Value); err != nil {
			return "", err
		}
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return "(" + strings.Join(parts, " or ") + ")", nil
}

// fieldAt writes keys as they stand in the rows: Milvus compares the characters of
// both without undoing escapes, such as \u0026 for &.
func fieldAt(keys []string) (string, error) {
	var field strings.Builder
	field.WriteString(metadataField)
	for _, key := range keys {
		written, err := json.Marshal(key)
		if err != nil {
			return "", err
		}
		field.WriteString("[" + string(written) + "]")
	}
	return field.String(), nil
}

func comparisonAt(field string, op search.Op, value any) (string, error) {
	if value == int64(math.MinInt64) {
		return least(field, op)
	}
	text, err := literal(value)
	if err != nil {
		return "", err
	}
	if op == search.Contains {
		return "json_contains(" + field + ", " + text + ")", nil
	}
	operator, ok := operators[op]
	if !ok {
		return "", fmt.Errorf("unknown comparison %q", op)
	}
	return "(" + field + " " + operator + " " + text + ")", nil
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

// literal writes a value. Milvus compares a whole literal exactly with stored whole
// numbers and as a float with the others; a literal with a point as a float with all,
// so whole numbers never have one.
func literal(value any) (string, error) {
	switch value := value.(type) {
	case string:
		return quote(value)
	case bool:
		return strconv.FormatBool(value), nil
	case int64:
		return strconv.FormatInt(value, 10), nil
	case float64:
		if value == math.Trunc(value) && value > math.MinInt64 && value < -math.MinInt64 {
			return strconv.FormatInt(int64(value), 10), nil
		}
		text := strconv.FormatFloat(value, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return text, nil
	}
	return "", fmt.Errorf("value of type %T", value)
}

// least compares with the smallest int64, for which Milvus has no literal: it reads
// the number without its sign first. Stored whole numbers above it, and only those, are
// at least the next one; what is below it is a float.
func least(field string, op search.Op) (string, error) {
	const next, float = "-9223372036854775807", "-9223372036854775808.0"
	switch op {
	case search.Eq:
		return "(" + field + " < " + next + " and " + field + " >= " + float + ")", nil
	case search.Lt:
		return "(" + field + " < " + float + ")", nil
	case search.Le:
		return "(" + field + " < " + next + ")", nil
	case search.Gt:
		return "(" + field + " >= " + next + ")", nil
	case search.Ge:
		return "(" + field + " >= " + float + ")", nil
	}
	return "", fmt.Errorf("%s with the smallest integer", op)
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
