package inspect

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"polylens/trainer/data"
)

// Errors of Report.Check, wrapped with what was found.
var (
	ErrNoPairs     = errors.New("there is no pair of a picture and a text")
	ErrUnreadable  = errors.New("none of the pictures can be read")
	ErrTooFewPairs = errors.New("training needs at least 2 pairs")
	ErrOneItem     = errors.New("all pairs for training show one item, so there is nothing to distinguish")
)

// Tokenizer counts tokens.
type Tokenizer interface {
	// Count gives how many tokens a text has, the end of the sequence included.
	Count(text string) int
}

// Report says what is in a set.
type Report struct {
	Records  int `json:"records"`  // lines, rows, samples or images that were read
	Pictures int `json:"pictures"` // distinct places
	Pairs    int `json:"pairs"`    // of readable pictures
	Items    int `json:"items"`    // of readable pictures

	Problems       List `json:"problems"`        // places that could not be used
	Unreadable     List `json:"unreadable"`      // pictures
	EmptyCaptions  List `json:"empty_captions"`  // records with captions that hold no text
	WithoutCaption List `json:"without_caption"` // readable pictures

	ExactDuplicates int `json:"exact_duplicates"` // pictures whose bytes another has before them
	NearDuplicates  int `json:"near_duplicates"`  // pictures that look like an earlier one but differ from it
	LargestGroup    int `json:"largest_group"`    // pictures of one group
	SharedItems     int `json:"shared_items"`     // items with several pictures
	LargestItem     int `json:"largest_item"`     // pictures of one item

	TokenLimit int           `json:"token_limit"` // of the model
	Languages  []Language    `json:"languages"`   // most pairs first
	Parts      []PartContent `json:"parts"`
	Warnings   []string      `json:"warnings"`
}

// List is a number of things, of which the first are named.
type List struct {
	Count int      `json:"count"`
	First []string `json:"first"`
}

// maxNamed is how many things a List names.
const maxNamed = 10

func (l *List) add(name string) {
	l.Count++
	if len(l.First) < maxNamed {
		l.First = append(l.First, name)
	}
}

// Language is what a set holds in a language.
type Language struct {
	Language string `json:"language"` // empty where no language is named
	Pairs    int    `json:"pairs"`
	Pictures int    `json:"pictures"`
	Median   int    `json:"median_tokens"`
	Longest  int    `json:"longest_tokens"`
	Cut      int    `json:"cut"` // texts beyond the limit, which lose their end
}

// PartContent is what a part of a split holds.
type PartContent struct {
	Part     string `json:"part"`
	Pictures int    `json:"pictures"`
	Pairs    int    `json:"pairs"`
	Items    int    `json:"items"`
}

// NewReport describes a set, the findings in it and its split. The limit is
// how many tokens the model takes.
func NewReport(set *data.Set, findings *Findings, parts []Part, tokenizer Tokenizer, limit int) Report {
	r := Report{Records: set.Records(), Pictures: len(set.Pictures), Items: findings.items, TokenLimit: limit, Warnings: []string{}}
	r.list(set, findings)
	r.countGroups(findings)
	r.countLanguages(set, findings, tokenizer)
	r.countParts(set, findings, parts)
	r.warn()
	return r
}

func (r *Report) list(set *data.Set, findings *Findings) {
	for _, p := range set.Problems {
		r.Problems.add(p.Error())
	}
	for _, place := range set.Empty {
		r.EmptyCaptions.add(place.String())
	}
	pairs := set.PairsOf()
	for i, picture := range set.Pictures {
		if err := findings.Contents[i].Err; err != nil {
			r.Unreadable.add(fmt.Sprintf("%s: %s", picture, reason(err)))
			continue
		}
		r.Pairs += len(pairs[i])
		if len(pairs[i]) == 0 {
			r.WithoutCaption.add(picture.String())
		}
	}
}

func (r *Report) countGroups(findings *Findings) {
	r.LargestItem, r.SharedItems = largest(findings.Items, findings.items)
	r.LargestGroup, _ = largest(findings.Groups, findings.groups)
	r.NearDuplicates = findings.items - findings.groups
	files := make(map[[32]byte]bool)
	for _, c := range findings.Contents {
		if c.Err != nil {
			continue
		}
		if files[c.SHA256] {
			r.ExactDuplicates++
		}
		files[c.SHA256] = true
	}
}

// largest counts the members of the largest set, and the sets of several.
func largest(numbers []int, count int) (most, several int) {
	members := make([]int, count)
	for _, number := range numbers {
		if number >= 0 {
			members[number]++
		}
	}
	for _, n := range members {
		most = max(most, n)
		if n > 1 {
			several++
		}
	}
	return most, several
}

// texts is what is gathered of a language.
type texts struct {
	tokens   []int
	pictures map[int]bool
	cut      int
}

func (r *Report) countLanguages(set *data.Set, findings *Findings, tokenizer Tokenizer) {
	found := make(map[string]*texts)
	for _, p := range set.Pairs {
		if findings.Contents[p.Picture].Err != nil {
			continue
		}
		t := found[p.Language]
		if t == nil {
			t = &texts{pictures: make(map[int]bool)}
			found[p.Language] = t
		}
		tokens := tokenizer.Count(p.Text)
		t.tokens = append(t.tokens, tokens)
		t.pictures[p.Picture] = true
		if tokens > r.TokenLimit {
			t.cut++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		t := found[name]
		slices.Sort(t.tokens)
		n := len(t.tokens)
		r.Languages = append(r.Languages, Language{
			Language: name, Pairs: n, Pictures: len(t.pictures), Median: t.tokens[n/2], Longest: t.tokens[n-1], Cut: t.cut,
		})
	}
	slices.SortStableFunc(r.Languages, func(a, b Language) int { return cmp.Compare(b.Pairs, a.Pairs) })
}

func (r *Report) countParts(set *data.Set, findings *Findings, chosen []Part) {
	pairs := set.PairsOf()
	for _, part := range parts {
		content := PartContent{Part: part.String()}
		items := make(map[int]bool)
		for i, p := range chosen {
			if p != part || len(pairs[i]) == 0 {
				continue
			}
			content.Pictures++
			content.Pairs += len(pairs[i])
			items[findings.Items[i]] = true
		}
		content.Items = len(items)
		r.Parts = append(r.Parts, content)
	}
}

// Check returns what forbids training with the set, nil if nothing does.
func (r Report) Check() error {
	training := r.Parts[0]
	switch {
	case r.Records == 0 || r.Pictures == r.WithoutCaption.Count && r.Unreadable.Count == 0:
		return fmt.Errorf("%w: %d records were read, %d could not be used%s", ErrNoPairs, r.Records, r.Problems.Count, r.Problems.example())
	case r.Unreadable.Count == r.Pictures:
		return fmt.Errorf("%w: there are %d%s", ErrUnreadable, r.Pictures, r.Unreadable.example())
	case r.Pairs == 0:
		return fmt.Errorf("%w: none of the %d readable pictures has a text", ErrNoPairs, r.Pictures-r.Unreadable.Count)
	case training.Pairs < 2:
		return fmt.Errorf("%w: of %d pairs the split leaves it %d; add pairs or lower the shares of validation and test",
			ErrTooFewPairs, r.Pairs, training.Pairs)
	case training.Items < 2:
		return fmt.Errorf("%w: it has %d pairs; add other items, or leave out the field that names the item", ErrOneItem, training.Pairs)
	}
	return nil
}

// example names the first thing.
func (l List) example() string {
	if l.Count == 0 {
		return ""
	}
	return "; the first: " + l.First[0]
}
