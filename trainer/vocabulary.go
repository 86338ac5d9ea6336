package trainer

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"polylens/trainer/data"
)

// Vocabulary says which vectors of tokens learn, where the text tower does.
type Vocabulary struct {
	// Languages restricts learning to the tokens that only texts in these languages
	// have, among the pairs and the guarded set. Texts in other languages then keep
	// their vectors to the bit, if nothing else in the text tower learns. With no
	// language given, all tokens learn.
	Languages []string `json:"languages,omitempty"`
}

// restrictVocabulary holds the vectors of all tokens but those of the chosen languages.
func (r *run) restrictVocabulary() error {
	languages := r.config.Vocabulary.Languages
	if len(languages) == 0 {
		return nil
	}
	own := r.tokensOnlyIn(languages)
	if len(own) == 0 {
		return fmt.Errorf("vocabulary.languages: no token is of texts in %s alone: name languages of the pairs whose script or words no other one has, "+
			"or none to let all tokens learn", strings.Join(languages, ", "))
	}
	if !r.learner.State.Restrict(own) {
		return fmt.Errorf("vocabulary.languages: mode %q leaves the vectors of tokens as they are: choose \"text-only\" or \"full\"", r.config.Mode)
	}
	r.Log.Info("vectors of tokens that learn", "tokens", len(own), "languages", languages)
	return nil
}

// tokensOnlyIn are the tokens that texts in some languages have and no other text.
func (r *run) tokensOnlyIn(languages []string) []int64 {
	own, others := map[int64]bool{}, map[int64]bool{}
	r.noteTokens(others, "") // all texts have what ends and pads them
	sets := []*data.Set{r.Material.Set}
	if r.Guard != nil {
		sets = append(sets, r.Guard.set)
	}
	for _, set := range sets {
		for _, pair := range set.Pairs {
			tokens := others
			if slices.ContainsFunc(languages, func(tag string) bool { return strings.EqualFold(tag, languageOf(pair)) }) {
				tokens = own
			}
			r.noteTokens(tokens, pair.Text)
		}
	}
	maps.DeleteFunc(own, func(token int64, _ bool) bool { return others[token] })
	return slices.Sorted(maps.Keys(own))
}

// noteTokens adds the tokens of a text to a set.
func (r *run) noteTokens(tokens map[int64]bool, text string) {
	for _, id := range r.Model.ids([]string{text}) {
		tokens[id] = true
	}
}
