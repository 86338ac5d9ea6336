package web

import (
	"strings"

	"polylens/indexer/catalog"

	"golang.org/x/text/language"
)

// AcceptLanguage is the header in which a client names its languages.
type AcceptLanguage struct {
	Header string `header:"Accept-Language" maxLength:"1024" example:"hi, en;q=0.5" doc:"Languages in which to answer captions"`
}

// languages are the tags that a client prefers, best first.
type languages []string

// prefer reads the header; English always comes last.
func (a AcceptLanguage) prefer() languages {
	tags, _, err := language.ParseAcceptLanguage(a.Header)
	if err != nil {
		tags = nil // a malformed header counts as none
	}
	prefer := make(languages, 0, len(tags)+1)
	for _, tag := range tags {
		prefer = append(prefer, tag.String())
	}
	return append(prefer, "en")
}

// caption picks the best of captions, or nil when there is none.
func (l languages) caption(captions []catalog.Caption) *Caption {
	if len(captions) == 0 {
		return nil
	}
	for _, wanted := range l {
		for _, same := range []func(a, b string) bool{strings.EqualFold, sameBase} {
			for _, caption := range captions {
				if same(wanted, caption.Language) {
					return &Caption{Language: caption.Language, Text: caption.Text}
				}
			}
		}
	}
	return &Caption{Language: captions[0].Language, Text: captions[0].Text}
}

// sameBase reports whether two tags are of one language: pt-BR and pt.
func sameBase(a, b string) bool {
	a, _, _ = strings.Cut(a, "-")
	b, _, _ = strings.Cut(b, "-")
	return strings.EqualFold(a, b)
}
