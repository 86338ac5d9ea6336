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
	// Languages lets those of tokens learn that texts in these languages have
	// and no other text, of the pairs and of the guarded set. Texts in other
	// languages then keep their vectors to the bit, if nothing else of the text
	// tower learns. None lets all tokens learn.
	Languages []string `json:"languages,omitempty"`
}

// restrictVocabulary holds the vectors of all tokens but those of the chosen languages.
func (r *run) restrictVocabulary() error {
	languages := r.config.Vocabulary.Languages
	if len(languages) == 0 {
		return nil
	}
	own, others := map[int64]bool{}, map[int64]bool{}
	r.noteTokens(others, []string{""}) // all texts have what ends and pads them
	sets := []*data.Set{r.Material.Set}
	if r.Guard != nil {
		sets = append(sets, r.Guard.set)
	}
	for _, set := range sets {
		mine, theirs := textsIn(set, languages)
		r.noteTokens(own, mine)
		r.noteTokens(others, theirs)
	}
	maps.DeleteFunc(own, func(token int64, _ bool) bool { return others[token] })
	if len(own) == 0 {
		return fmt.Errorf("vocabulary.languages: no token is of texts in %s alone: name languages of the pairs whose script or words no other one has, "+
			"or none to let all tokens learn", strings.Join(languages, ", "))
	}
	if !r.learner.State.Restrict(slices.Sorted(maps.Keys(own))) {
		return fmt.Errorf("vocabulary.languages: mode %q leaves the vectors of tokens as they are: choose \"text-only\" or \"full\"", r.config.Mode)
	}
	r.Log.Info("vectors of tokens that learn", "tokens", len(own), "languages", languages)
	return nil
}

// textsIn divides the texts of a set into those in some languages and the others.
func textsIn(set *data.Set, languages []string) (mine, theirs []string) {
	for _, pair := range set.Pairs {
		if slices.Contains(languages, languageOf(pair)) {
			mine = append(mine, pair.Text)
		} else {
			theirs = append(theirs, pair.Text)
		}
	}
	return mine, theirs
}

// noteTokens adds the tokens of texts to a set.
func (r *run) noteTokens(tokens map[int64]bool, texts []string) {
	for _, text := range texts {
		for _, id := range r.Model.ids([]string{text}) {
			tokens[id] = true
		}
	}
}
