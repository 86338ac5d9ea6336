package search

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"polylens/internal/text"
)

// maxFilterBytes bounds the JSON form of a filter: a thousand conditions whose texts and
// fields are long.
const maxFilterBytes = 1 << 20

// filterOps are the comparisons of the JSON form, in the order in which they
// are joined when one object holds several.
var filterOps = []Op{Eq, Ne, Gt, Ge, Lt, Le, In, Contains}

// ParseFilter reads the JSON form of a filter:
//
//	{"field":"group","eq":"animals"}      eq, ne, lt, le, gt, ge: a string, number or (eq, ne) boolean
//	{"field":"year","ge":1900,"lt":2000}  several comparisons of one field all hold
//	{"field":"group","in":["a","b"]}      one of the values
//	{"field":"tags","contains":"fish"}    the list in the field holds the value
//	{"and":[F,…]}  {"or":[F,…]}  {"not":F}
//
// How fields are written, say Fields. Fields and values are composed (NFC). Integers
// are exact: int64 beyond 2^53; what needs more than 64 bits is refused unless a
// float64 holds it exactly. Anything else is an *InvalidError that says where it is.
func ParseFilter(form []byte) (Filter, error) {
	if len(form) > maxFilterBytes {
		return nil, invalid("filter", "it is %d bytes long, more than %d", len(form), maxFilterBytes)
	}
	if err := text.CheckJSON(form); err != nil {
		return nil, invalid("filter", "%v", err)
	}
	filter, err := parseFilter(form, "filter", 0)
	if err != nil {
		return nil, invalid("filter", "%v", err)
	}
	if err := CheckFilter(filter); err != nil {
		return nil, invalid("filter", "%v", err)
	}
	return filter, nil
}

// parseFilter reads one object. place says where it stands, for errors.
func parseFilter(form []byte, place string, depth int) (Filter, error) {
	if depth > MaxFilterDepth {
		return nil, fmt.Errorf("%s is nested deeper than %d", place, MaxFilterDepth)
	}
	members, err := readObject(form)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	if _, ok := members["field"]; ok {
		return parseComparison(members, place)
	}
	if len(members) != 1 {
		return nil, fmt.Errorf(`%s must hold "field", or one of "and", "or" and "not"`, place)
	}
	for name, value := range members {
		switch name {
		case "and":
			list, err := parseFilters(value, place+".and", depth)
			return And(list), err
		case "or":
			list, err := parseFilters(value, place+".or", depth)
			return Or(list), err
		case "not":
			inner, err := parseFilter(value, place+".not", depth+1)
			return Not{Filter: inner}, err
		}
	}
	return nil, fmt.Errorf(`%s must hold "field", or one of "and", "or" and "not"`, place)
}

func parseFilters(form []byte, place string, depth int) ([]Filter, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(form, &items); err != nil || len(items) == 0 {
		return nil, fmt.Errorf("%s must be a list of at least one condition", place)
	}
	filters := make([]Filter, len(items))
	for i, item := range items {
		filter, err := parseFilter(item, fmt.Sprintf("%s[%d]", place, i), depth+1)
		if err != nil {
			return nil, err
		}
		filters[i] = filter
	}
	return filters, nil
}

func parseComparison(members map[string]json.RawMessage, place string) (Filter, error) {
	var field string
	if err := json.Unmarshal(members["field"], &field); err != nil {
		return nil, fmt.Errorf("%s.field must be a string", place)
	}
	var compares []Filter
	for _, op := range filterOps {
		operand, ok := members[string(op)]
		if !ok {
			continue
		}
		value, err := parseOperand(op, operand)
		if err != nil {
			return nil, fmt.Errorf("%s.%s %w", place, op, err)
		}
		compares = append(compares, Compare{Field: text.NFC(field), Op: op, Value: value})
	}
	switch {
	case len(compares) != len(members)-1:
		return nil, fmt.Errorf("%s holds something that is no comparison; there are eq, ne, lt, le, gt, ge, in and contains", place)
	case len(compares) == 0:
		return nil, fmt.Errorf("%s has no comparison", place)
	case len(compares) == 1:
		return compares[0], nil
	}
	return And(compares), nil
}

// parseOperand reads the value of a comparison; CheckFilter judges it.
func parseOperand(op Op, operand []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(operand))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, errors.New("is not valid JSON")
	}
	list, isList := value.([]any)
	if op == In && (!isList || len(list) == 0) {
		return nil, errors.New("must be a list of at least one value")
	}
	if !isList {
		return scalar(value)
	}
	for i := range list {
		var err error
		if list[i], err = scalar(list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// scalar gives texts and numbers their one form.
func scalar(value any) (any, error) {
	switch value := value.(type) {
	case string:
		return text.NFC(value), nil
	case json.Number:
		exact, err := text.Number(value)
		if err != nil {
			return nil, fmt.Errorf("is not valid: %w", err)
		}
		return exact, nil
	}
	return value, nil
}

// readObject reads the members of one JSON object. A name that occurs twice is
// refused: readers would not agree which one counts.
func readObject(form []byte) (map[string]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(form))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.New("must be a JSON object")
	}
	members := make(map[string]json.RawMessage)
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, errors.New("is not valid JSON")
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, errors.New("is not valid JSON")
		}
		if _, twice := members[name.(string)]; twice {
			return nil, fmt.Errorf("holds %q twice", name)
		}
		members[name.(string)] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, errors.New("is not valid JSON")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("has something behind its end")
	}
	return members, nil
}

// filterForm is the JSON form of a filter, as ParseFilter reads it.
func filterForm(filter Filter) any {
	switch filter := filter.(type) {
	case And:
		return map[string]any{"and": filterForms(filter)}
	case Or:
		return map[string]any{"or": filterForms(filter)}
	case Not:
		return map[string]any{"not": filterForm(filter.Filter)}
	case Compare:
		return map[string]any{"field": filter.Field, string(filter.Op): filter.Value}
	}
	return fmt.Sprintf("%T %v", filter, filter)
}

func filterForms(filters []Filter) []any {
	forms := make([]any, len(filters))
	for i, filter := range filters {
		forms[i] = filterForm(filter)
	}
	return forms
}
