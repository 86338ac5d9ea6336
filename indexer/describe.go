package indexer

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"polylens/indexer/catalog"
	"polylens/indexer/metadata"
	"polylens/indexer/metadata/embedded"
	"polylens/indexer/source"
)

// kept is what a picture says of itself, as the catalogue keeps it.
type kept struct {
	// Reader is readerVersion when it was read; what an older reader left out may be
	// there.
	Reader       int  `json:"reader"`
	WithoutPlace bool `json:"without_place,omitempty"` // where it was taken was not wanted
	metadata.About
}

// readerVersion goes up when package embedded learns to read more.
const readerVersion = 1

// lookInto reads what a picture says of itself, as far as it is wanted.
func lookInto(data []byte, choice catalog.MetadataChoice) kept {
	k := kept{Reader: readerVersion, About: embedded.Read(data)}
	return k.as(choice)
}

func (k kept) as(choice catalog.MetadataChoice) kept {
	if choice == catalog.WithoutPlace {
		k.About, k.WithoutPlace = k.About.WithoutPlace(), true
	}
	return k
}

// recall reads what the catalogue keeps of a picture. ok is false when the picture has
// to be looked into once more: it was not, or not for all that is wanted now.
func recall(text string, choice catalog.MetadataChoice) (k kept, ok bool) {
	if choice == catalog.NoMetadata {
		return kept{}, true
	}
	if text == "" || json.Unmarshal([]byte(text), &k) != nil || k.Reader < readerVersion {
		return kept{}, false
	}
	if k.WithoutPlace && choice != catalog.WithoutPlace {
		return kept{}, false
	}
	return k.as(choice), true
}

// text is how the catalogue keeps it.
func (k kept) text() string {
	if k.Reader == 0 {
		return "" // nothing of it was wanted
	}
	text, err := json.Marshal(k)
	if err != nil {
		return ""
	}
	return string(text)
}

// description is all that is known of a picture.
type description struct {
	metadata map[string]any
	captions []catalog.Caption
	warnings []string
}

// putTogether joins what a picture says of itself, what programs have noted beside
// it, and what sidecars and tables of the user's own say. The later wins, field by
// field; captions of the later, if it has any, replace those before.
func putTogether(inside kept, item source.Item, choice catalog.MetadataChoice) description {
	noted := item.Noted
	switch choice {
	case catalog.NoMetadata:
		inside, noted = kept{}, metadata.About{}
	case catalog.WithoutPlace:
		noted = noted.WithoutPlace()
	}
	d := description{warnings: slices.Clone(inside.Warnings)}
	standard := maps.Clone(inside.Fields)
	if standard == nil {
		standard = make(map[string]any)
	}
	for name, value := range noted.Fields {
		if name == metadata.Taken {
			value = metadata.SameMoment(standard[name], value)
		}
		standard[name] = value
	}
	d.metadata = maps.Clone(item.Metadata)
	d.captions = captionsOf(item, inside, noted)
	d.add(standard)
	return d
}

// captionsOf are those of the last that has any.
func captionsOf(item source.Item, inside kept, noted metadata.About) []catalog.Caption {
	captions := make([]catalog.Caption, 0, len(item.Captions))
	for _, caption := range item.Captions {
		captions = append(captions, catalog.Caption(caption))
	}
	for _, about := range []metadata.About{noted, inside.About} {
		if len(captions) > 0 {
			break
		}
		for _, caption := range about.Captions[:min(len(about.Captions), metadata.MaxCaptions)] {
			captions = append(captions, catalog.Caption{Language: caption.Language, Text: caption.Text})
		}
	}
	return captions
}

// add adds the fields of standards that are not there yet, as long as there is room.
func (d *description) add(standard map[string]any) {
	if len(standard) > 0 && d.metadata == nil {
		d.metadata = make(map[string]any, len(standard))
	}
	own, err := json.Marshal(d.metadata)
	if err != nil {
		return // the catalogue says what is wrong with it
	}
	room := source.MaxMetadata - len(own)
	var left []string
	for _, name := range slices.Sorted(maps.Keys(standard)) {
		if _, ok := d.metadata[name]; ok {
			continue
		}
		text, err := json.Marshal(map[string]any{name: standard[name]})
		if err != nil || len(text) > room {
			left = append(left, name)
			continue
		}
		room -= len(text)
		d.metadata[name] = standard[name]
	}
	if left != nil {
		d.warnings = append(d.warnings, fmt.Sprintf("its %s are left out: metadata has at most %d bytes", strings.Join(left, ", "), source.MaxMetadata))
	}
}

// describe fills in what is known of a picture.
func (p *prepared) describe(inside kept, item source.Item, choice catalog.MetadataChoice) {
	d := putTogether(inside, item, choice)
	p.image.Metadata, p.image.Captions, p.image.Embedded = d.metadata, d.captions, inside.text()
	for _, warning := range d.warnings {
		switch {
		case p.warning == "":
			p.warning = warning
		case !strings.Contains(p.warning, warning):
			p.warning += "; " + warning
		}
	}
}
