package milvus

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
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
	whole, err := expression(filter)
	return whole.text, err
}

func expression(filter search.Filter) (clause, error) {
	switch filter := filter.(type) {
	case search.And:
		return joined(filter, " and ", alwaysTrue)
	case search.Or:
		return joined(filter, " or ", neverTrue)
	case search.Not:
		part, err := expression(filter.Filter)
		return part.denied(), err
	case search.Compare:
		return comparison(filter)
	}
	return clause{}, fmt.Errorf("filter of unknown kind %T", filter)
}

func joined(parts []search.Filter, operator, empty string) (clause, error) {
	if len(parts) == 0 {
		return clause{text: "(" + empty + ")"}, nil
	}
	clauses := make([]clause, len(parts))
	for i, part := range parts {
		var err error
		if clauses[i], err = expression(part); err != nil {
			return clause{}, err
		}
	}
	return joinLow(clauses, operator), nil
}

var operators = map[search.Op]string{
	search.Eq: "==", search.Lt: "<", search.Le: "<=", search.Gt: ">", search.Ge: ">=",
}

// comparison holds in one of the places that the field may mean.
func comparison(compare search.Compare) (clause, error) {
	if compare.Op == search.Ne { // Milvus' own != fails for missing fields
		return expression(search.Not{Filter: search.Compare{Field: compare.Field, Op: search.Eq, Value: compare.Value}})
	}
	places, err := search.Fields(compare.Field)
	if err != nil {
		return clause{}, err
	}
	var parts []clause
	for _, keys := range places {
		field, err := fieldAt(keys)
		if err != nil {
			return clause{}, err
		}
		texts, err := comparisonsAt(field, compare.Op, compare.Value)
		if err != nil {
			return clause{}, err
		}
		for _, text := range texts {
			parts = append(parts, clause{text: text})
		}
	}
	if len(parts) == 1 && compare.Op != search.In {
		return parts[0], nil
	}
	return joinLow(parts, " or "), nil
}

// comparisonsAt are the comparisons with one field of which one must hold.
func comparisonsAt(field string, op search.Op, value any) ([]string, error) {
	if op == search.In {
		return oneOf(field, value)
	}
	text, err := comparisonAt(field, op, value)
	return []string{text}, err
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

// oneOf asks with Milvus' own in, which names the field once and reads each row once,
// however many values there are. It wants one type of value: texts, whole numbers and
// other numbers have a list each. Of what remains there are three values at most.
func oneOf(field string, list any) ([]string, error) {
	values, ok := list.([]any)
	if !ok {
		return nil, fmt.Errorf("in needs a list, not %T", list)
	}
	if len(values) == 0 {
		return []string{neverTrue}, nil
	}
	var texts, wholes, floats, rest []any
	for _, value := range values {
		switch number, isFloat := value.(float64); {
		case isText(value):
			texts = append(texts, value)
		case isInt(value), isFloat && isWhole(number):
			wholes = append(wholes, value)
		case isFloat:
			floats = append(floats, value)
		case !slices.Contains(rest, value):
			rest = append(rest, value)
		}
	}
	var parts []string
	for _, alike := range [][]any{texts, wholes, floats} {
		if len(alike) > 0 {
			rest = append(rest, alike)
		}
	}
	for _, one := range rest {
		part, err := equalTo(field, one)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}

func isText(value any) bool { _, ok := value.(string); return ok }

// isInt is false for the smallest, which has no literal.
func isInt(value any) bool { number, ok := value.(int64); return ok && number != math.MinInt64 }

// equalTo compares with a value, or with a list of values of one type.
func equalTo(field string, value any) (string, error) {
	values, isList := value.([]any)
	switch {
	case !isList:
		return comparisonAt(field, search.Eq, value)
	case len(values) == 1:
		return comparisonAt(field, search.Eq, values[0])
	}
	return inList(field, values)
}

func inList(field string, values []any) (string, error) {
	literals := make([]string, len(values))
	for i, value := range values {
		var err error
		if literals[i], err = literal(value); err != nil {
			return "", err
		}
	}
	return "(" + field + " in [" + strings.Join(literals, ", ") + "])", nil
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
		if isWhole(value) {
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

// isWhole reports whether a float is written as a whole number.
func isWhole(value float64) bool {
	return value == math.Trunc(value) && value > math.MinInt64 && value < -math.MinInt64
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
