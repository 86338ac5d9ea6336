package inspect

import (
	"errors"
	"fmt"
	"strings"

	"polylens/indexer/decode"
)

// Above these shares something is worth a warning.
const (
	manyCut       = 0.1
	manyLost      = 0.05
	manyOfOneLook = 0.1
	// fewPictures is below which the share of a group says nothing.
	fewPictures = 50
)

// warn names what does not forbid training but the user should know.
func (r *Report) warn() {
	if len(r.Languages) == 1 && r.Pairs > 0 {
		r.warnf("all texts are in one language (%s): search in others may get worse", named(r.Languages[0].Language))
	}
	for _, l := range r.Languages {
		if l.Language == "" && len(r.Languages) > 1 {
			r.warnf("%d texts name no language and count as one of their own", l.Pairs)
		}
		if float64(l.Cut) > manyCut*float64(l.Pairs) {
			r.warnf("%d of %d texts in %s are longer than %d tokens and lose their end", l.Cut, l.Pairs, named(l.Language), r.TokenLimit)
		}
	}
	if float64(r.Unreadable.Count) > manyLost*float64(r.Pictures) {
		r.warnf("%d of %d pictures cannot be read", r.Unreadable.Count, r.Pictures)
	}
	if r.Pictures >= fewPictures && r.LargestGroup > r.LargestItem && float64(r.LargestGroup) > manyOfOneLook*float64(r.Pictures) {
		r.warnf("%d of %d pictures look the same from afar and stay together: if they are not, compare files only", r.LargestGroup, r.Pictures)
	}
	for _, part := range r.Parts[1:] {
		if part.Pairs == 0 && r.Pairs > 0 {
			r.warnf("nothing is left for %s", part.Part)
		}
	}
}

func (r *Report) warnf(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

func named(language string) string {
	if language == "" {
		return "no language named"
	}
	return language
}

// reason leaves out the name of the picture, which stands before it.
func reason(err error) string {
	var picture *decode.Error
	if errors.As(err, &picture) {
		return strings.TrimPrefix(err.Error(), "picture "+picture.URI+": ")
	}
	return err.Error()
}
