package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"polylens/indexer/metadata"
	"polylens/indexer/source"
	"polylens/internal/text"
)

// describe adds what a description says to an entry, and gives what is not usable.
func (d *description) describe(entry *Entry, stem string) []error {
	if d.problem != nil {
		return []error{d.problem}
	}
	data, err := d.data, error(nil)
	if d.kind == textKind {
		data, err = d.captions(stem)
	}
	if err != nil {
		return []error{err}
	}
	found, err := source.ParseSidecar(data)
	var lost *source.LostError
	if err != nil && !errors.As(err, &lost) {
		return []error{err}
	}
	if lost == nil {
		lost = &source.LostError{}
	}
	if d.kind == jsonKind && entry.Metadata != nil {
		return []error{errors.New("another json member describes the picture, and was taken")}
	}
	if d.kind == jsonKind {
		entry.Metadata = found.Metadata
	}
	if len(entry.Captions)+len(found.Captions) > metadata.MaxCaptions {
		return []error{fmt.Errorf("with its captions there were more than %d of one picture", metadata.MaxCaptions)}
	}
	entry.Captions = append(entry.Captions, found.Captions...)
	return lost.Lost
}

// captions makes a sidecar of a text with one caption a line, so that the same rules
// hold for both.
func (d *description) captions(stem string) ([]byte, error) {
	content, err := text.Decode(d.data)
	if err == nil {
		err = text.CheckLines(content, 1)
	}
	if err != nil {
		return nil, err
	}
	lines := []string{}
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	var captions any = lines
	if language := d.language(stem); language != "" {
		captions = map[string][]string{language: lines}
	}
	return json.Marshal(map[string]any{"captions": captions})
}

// language is the one that the name of a text has beside that of its picture.
func (d *description) language(stem string) string {
	for _, a := range d.about {
		if a.stem == stem {
			return a.language
		}
	}
	return ""
}
