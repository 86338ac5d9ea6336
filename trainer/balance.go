package trainer

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"polylens/trainer/balance"
	"polylens/trainer/caption"
	"polylens/trainer/data"
	"polylens/trainer/data/inspect"
)

// Balance leaves out pictures of an epoch, different ones each time, so that
// attributes occur as often as wanted and do not correlate with labels; see package
// balance. An attribute or label is a field of the pairs whose value is a number or a
// truth value, or FIELD=VALUE: whether the field has that value; a picture without
// the field does not.
type Balance struct {
	Attributes     map[string]float64 `json:"attributes"` // how often each shall occur, between 0 and 1; none balances nothing
	Labels         []string           `json:"labels"`
	MaxGap         float64            `json:"max_gap"`         // between an attribute's share and what is wanted; 0 is 0.01
	MaxCorrelation float64            `json:"max_correlation"` // between an attribute and a label; 0 is 0.05
}

func (b Balance) check() error {
	if len(b.Attributes) == 0 && len(b.Labels) > 0 {
		return fmt.Errorf("balance.labels %q: want balance.attributes that they shall not go along with", b.Labels)
	}
	for name, mean := range b.Attributes {
		if !(mean > 0 && mean < 1) {
			return fmt.Errorf("balance.attributes: %q is %v; want a share between 0 and 1", name, mean)
		}
	}
	if !(b.MaxGap >= 0 && b.MaxGap < 1) || !(b.MaxCorrelation >= 0 && b.MaxCorrelation < 1) {
		return fmt.Errorf("balance.max_gap %v, max_correlation %v: want 0 or more and below 1", b.MaxGap, b.MaxCorrelation)
	}
	return nil
}

// names are those of all attributes and labels.
func (b Balance) names() []string {
	return slices.Concat(slices.Sorted(maps.Keys(b.Attributes)), b.Labels)
}

// Fields are the fields of the pairs that a run looks at beside texts and
// pictures: sources have to read them as attributes.
func (c Config) Fields() []string {
	var fields []string
	for _, name := range c.Balance.names() {
		field, _, _ := strings.Cut(name, "=")
		fields = append(fields, field)
	}
	if c.boxes() {
		fields = append(fields, caption.BoxAttribute)
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}

// openBalance weighs the pictures that are trained on.
func (r *run) openBalance() error {
	b := r.config.Balance
	if len(b.Attributes) == 0 {
		return nil
	}
	pairs := r.Material.Set.PairsOf()
	for _, picture := range r.Material.pictures(inspect.Training) {
		if len(pairs[picture]) > 0 {
			r.balanced = append(r.balanced, picture)
		}
	}
	goal := balance.Goal{Labels: b.Labels, MaxGap: b.MaxGap, MaxCorrelation: b.MaxCorrelation}
	for _, name := range slices.Sorted(maps.Keys(b.Attributes)) {
		goal.Attributes = append(goal.Attributes, balance.Target{Attribute: name, Mean: b.Attributes[name]})
	}
	columns, err := columns(r.Material.Set, r.balanced, b.names())
	if err != nil {
		return fmt.Errorf("balance: %w", err)
	}
	result, err := balance.Weigh(columns, goal)
	if err != nil {
		return fmt.Errorf("balance: %w", err)
	}
	r.balance = &result
	r.Log.Info("balanced", "kept", result.Kept, "representation", result.Representation, "association", result.Association)
	return nil
}

// columns are what is known of pictures under each name.
func columns(set *data.Set, pictures []int, names []string) ([]balance.Column, error) {
	known := attributesOf(set)
	var list []balance.Column
	for _, name := range names {
		column := balance.Column{Name: name}
		field, wanted, indicates := strings.Cut(name, "=")
		found := false
		for _, picture := range pictures {
			text, ok := known[picture][field]
			found = found || ok
			value := 0.0
			if indicates {
				value = truth(ok && text == wanted)
			} else if value, ok = number(text); !ok {
				return nil, fmt.Errorf("%s has %q as its field %q, which is no number: name FIELD=VALUE, or fill the field in", set.Pictures[picture], text, field)
			}
			column.Values = append(column.Values, value)
		}
		if !found {
			return nil, fmt.Errorf("no picture has a field %q: check its name, and that its source is read with it", field)
		}
		list = append(list, column)
	}
	return list, nil
}

// attributesOf gives the attributes of pictures, those that were read first
// where several records know one.
func attributesOf(set *data.Set) []map[string]string {
	known := make([]map[string]string, len(set.Pictures))
	for _, pair := range set.Pairs {
		for name, value := range pair.Attributes {
			if known[pair.Picture] == nil {
				known[pair.Picture] = map[string]string{}
			}
			if _, ok := known[pair.Picture][name]; !ok {
				known[pair.Picture][name] = value
			}
		}
	}
	return known
}

func number(text string) (float64, bool) {
	if value, err := strconv.ParseFloat(text, 64); err == nil {
		return value, true
	}
	value, err := strconv.ParseBool(strings.ToLower(text))
	return truth(value), err == nil
}

func truth(value bool) float64 {
	if value {
		return 1
	}
	return 0
}

// prefer draws the pictures of each epoch; nil draws from all.
func (r *run) prefer() func(epoch int) []int {
	if r.balance == nil {
		return nil
	}
	return func(epoch int) []int {
		drawn := r.balance.Sample(r.config.Seed, uint64(epoch))
		for i, example := range drawn {
			drawn[i] = r.balanced[example]
		}
		return drawn
	}
}
