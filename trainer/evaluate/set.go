package evaluate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"polylens/internal/text"
)

// Text is one thing that is said about a picture.
type Text struct {
	Language string // BCP 47 tag
	Text     string
}

// Picture is one picture of a Set.
type Picture struct {
	Name  string // distinguishes it from others in a digest, such as the name of its file
	Texts []Text
}

// TextEncoder gives one unit vector for each text.
type TextEncoder interface {
	EncodeTexts(ctx context.Context, texts []string) ([][]float32, error)
}

// TextRanker returns for each text the rank of its best right picture, from 1, or 0
// if it was not found. relevant are the places of the right pictures of each text in
// the set, ascending.
type TextRanker func(ctx context.Context, texts []string, relevant [][]int) ([]int, error)

// Set is pictures with what is said about them, as queries with right answers. A
// picture is asked for once by each of its texts, as a person who looks for it would.
type Set struct {
	pictures int
	groups   []group
}

// group is what is said in one language.
type group struct {
	language  string
	texts     []string // distinct, folded, as they come first
	pictures  [][]int  // of each text, ascending
	described [][]int  // texts of each picture that has one, ascending
	places    []int    // of these pictures
	digest    string   // of all that decides what the queries are
}

// Fold is the form in which texts are compared and encoded: that of a query
// (text.Query), in lower case.
func Fold(said string) string { return text.Query(strings.ToLower(said)) }

// NewSet makes a set of what is said in the given languages, case aside, or in
// all that occur if none is given. A picture without a text in a language is
// still among those that are ranked.
func NewSet(pictures []Picture, languages []string) (*Set, error) {
	if len(languages) == 0 {
		languages = languagesOf(pictures)
	}
	if len(languages) == 0 {
		return nil, errors.New("no picture has a text to evaluate with")
	}
	set := &Set{pictures: len(pictures)}
	names := digestOfNames(pictures)
	for _, language := range slices.Compact(slices.Sorted(slices.Values(languages))) {
		if group := newGroup(pictures, language, names); len(group.texts) > 0 {
			set.groups = append(set.groups, group)
		}
	}
	if len(set.groups) == 0 {
		return nil, fmt.Errorf("no picture has a text in %s", strings.Join(languages, ", "))
	}
	return set, nil
}

func languagesOf(pictures []Picture) []string {
	seen := make(map[string]bool)
	for _, picture := range pictures {
		for _, text := range picture.Texts {
			if Fold(text.Text) != "" {
				seen[strings.ToLower(text.Language)] = true
			}
		}
	}
	return slices.Collect(maps.Keys(seen))
}

func newGroup(pictures []Picture, language, names string) group {
	made := group{language: language}
	known := make(map[string]int)
	for place, picture := range pictures {
		var own []int
		for _, text := range picture.Texts {
			folded := Fold(text.Text)
			if folded == "" || !strings.EqualFold(text.Language, language) {
				continue
			}
			at, seen := known[folded]
			if !seen {
				at = len(made.texts)
				known[folded] = at
				made.texts = append(made.texts, folded)
				made.pictures = append(made.pictures, nil)
			}
			if !slices.Contains(own, at) {
				own = append(own, at)
				made.pictures[at] = append(made.pictures[at], place)
			}
		}
		if len(own) > 0 {
			slices.Sort(own)
			made.described = append(made.described, own)
			made.places = append(made.places, place)
		}
	}
	made.digest = digestOfQueries(names, made)
	return made
}

// Languages of the set, in alphabetical order.
func (s *Set) Languages() []string {
	languages := make([]string, len(s.groups))
	for i, group := range s.groups {
		languages[i] = group.language
	}
	return languages
}

// Texts are all distinct texts that Evaluate encodes, folded and sorted.
func (s *Set) Texts() []string {
	var texts []string
	for _, group := range s.groups {
		texts = append(texts, group.texts...)
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// Evaluate measures text_to_image and image_to_text in each language, by
// language. pictures are the unit vectors of the set's pictures, in its order.
// rank, if not nil, ranks the pictures for texts in place of a comparison with
// every one.
func (s *Set) Evaluate(ctx context.Context, encoder TextEncoder, pictures [][]float32, rank TextRanker) (Report, error) {
	if len(pictures) != s.pictures {
		return nil, fmt.Errorf("evaluate: %d vectors for %d pictures", len(pictures), s.pictures)
	}
	if err := CheckVectors("pictures", pictures); err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	var report Report
	for _, group := range s.groups {
		results, err := group.evaluate(ctx, encoder, pictures, rank)
		if err != nil {
			return nil, fmt.Errorf("evaluate %s: %w", group.language, err)
		}
		report = append(report, results...)
	}
	return report, nil
}

func (g group) evaluate(ctx context.Context, encoder TextEncoder, pictures [][]float32, rank TextRanker) (Report, error) {
	texts, err := encoder.EncodeTexts(ctx, g.texts)
	if err != nil {
		return nil, err
	}
	if err := g.check(texts); err != nil {
		return nil, err
	}
	if rank == nil {
		rank = func(ctx context.Context, _ []string, relevant [][]int) ([]int, error) {
			return Ranks(ctx, texts, pictures, relevant)
		}
	}
	found, err := rank(ctx, g.texts, g.pictures)
	if err != nil {
		return nil, err
	}
	described := make([][]float32, len(g.places))
	for i, place := range g.places {
		described[i] = pictures[place]
	}
	back, err := Ranks(ctx, described, texts, g.described)
	if err != nil {
		return nil, err
	}
	return Report{
		newResult(g.language, TextToImage, g.perPicture(found), len(pictures), g.digest),
		newResult(g.language, ImageToText, back, len(texts), g.digest),
	}, nil
}

// check names a text whose vector cannot be used: its place alone would mean nothing
// to a user.
func (g group) check(vectors [][]float32) error {
	if len(vectors) != len(g.texts) {
		return fmt.Errorf("the model gave %d vectors for %d texts", len(vectors), len(g.texts))
	}
	for i, vector := range vectors {
		if err := CheckVectors("texts", [][]float32{vector}); err != nil {
			return fmt.Errorf("text %q: %w", g.texts[i], err)
		}
	}
	return nil
}

// perPicture repeats the rank of each text for each picture that it asks for.
func (g group) perPicture(ranks []int) []int {
	var all []int
	for i, rank := range ranks {
		all = append(all, slices.Repeat([]int{rank}, len(g.pictures[i]))...)
	}
	return all
}

func newResult(language string, direction Direction, ranks []int, candidates int, digest string) Result {
	return Result{Quality: NewQuality(language, direction, ranks, candidates), Queries: digest, Ranks: ranks}
}
