package hub

import (
	"slices"
	"testing"
)

func TestParseCard(t *testing.T) {
	tests := map[string]struct {
		text string
		want card
	}{
		"none":         {"# A model", card{}},
		"empty":        {"", card{}},
		"not ended":    {"---\nlicense: mit\n", card{}},
		"words":        {"---\nlicense: apache-2.0\nlanguage: en\n---\n", card{"apache-2.0", []string{"en"}}},
		"a list":       {"---\nlanguage:\n- fr\n- \"no\" # Norwegian\n-  de\ntags:\n- vision\nlicense: 'mit'\n---\n", card{"mit", []string{"de", "fr", "no"}}},
		"indented":     {"---\nlanguage:\n  - en\n  - en\n---\n", card{"", []string{"en"}}},
		"a flow list":  {"---\r\nlanguage: [en, \"de\"]\r\n---\r\n", card{"", []string{"de", "en"}}},
		"a name":       {"---\nlicense: other\nlicense_name: my-licence\nlicense_link: LICENSE\n---\n", card{"my-licence", nil}},
		"nested":       {"---\nmodel-index:\n  license: gpl\n  language: de\n# license: x\nlicense: mit\n---\n", card{"mit", nil}},
		"after it":     {"---\ntags: [a]\n---\nlicense: mit\n", card{}},
		"no words":     {"---\nlicense: {a: b}\nlanguage: [<script>, \x1b[31m, en]\n---\n", card{"", []string{"en"}}},
		"aliases":      {"---\na: &a [en, de]\nlanguage: *a\n---\n", card{}},
		"a byte order": {"\ufeff---\nlicense: mit\n---\n", card{"mit", nil}},
	}
	for title, test := range tests {
		got := parseCard(test.text)
		if got.Licence != test.want.Licence || !slices.Equal(got.Languages, test.want.Languages) {
			t.Errorf("%s: %+v, want %+v", title, got, test.want)
		}
	}
}

func FuzzParseCard(f *testing.F) {
	f.Add("---\nlicense: apache-2.0\nlanguage:\n- en\n- [de, fr]\n---\n# A model")
	f.Fuzz(func(t *testing.T, text string) {
		card := parseCard(text)
		for _, word := range append(card.Languages, card.Licence) {
			if len(word) > 100 || slices.ContainsFunc([]rune(word), notInName) {
				t.Errorf("the card names %q", word)
			}
		}
	})
}
