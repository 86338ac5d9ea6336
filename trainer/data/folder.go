package data

import (
	"context"
	"maps"
	"slices"
	"strings"

	"polylens/indexer/source"
)

// Folder is the pictures below a folder with the captions beside them, as
// indexing reads them. Pictures of which nothing is said are left out.
type Folder struct {
	Path string
	// Attributes are the metadata fields to keep as attributes. A picture whose
	// field is a list has a record for each of its texts.
	Attributes []string
	Languages  []string // of captions to take; none is all
	Most       int      // pictures, spread evenly over all; 0 is all
}

// Read implements Source.
func (f Folder) Read(ctx context.Context, record func(Record) error, problem func(Problem)) error {
	directory, err := source.NewDirectory(f.Path)
	if err != nil {
		return err
	}
	var all [][]Record
	err = directory.Walk(ctx, source.Visitor{Item: func(item source.Item) error {
		if records := f.records(item); len(records) > 0 {
			all = append(all, records)
		}
		return nil
	}, Problem: func(p source.Problem) { problem(Problem{Place: Place{File: p.URI}, Err: p.Err}) }})
	if err != nil {
		return err
	}
	if f.Most > 0 {
		all = Spread(all, f.Most)
	}
	for _, records := range all {
		for _, one := range records {
			if err := record(one); err != nil {
				return err
			}
		}
	}
	return nil
}

// records of a picture: one with what is said of it, unless nothing is, and one
// for each text of a field that is a list.
func (f Folder) records(item source.Item) []Record {
	plain := Record{Picture: Picture{URI: item.URI}, Relevance: 1, Place: Place{File: item.URI}}
	said := plain
	said.Captions = f.captions(item)
	fields := allFields(item)
	said.Attributes = ReadOptions{Attributes: f.Attributes}.AttributesIn(fields)
	var records []Record
	if len(said.Captions) > 0 || len(said.Attributes) > 0 {
		records = append(records, said)
	}
	for _, name := range f.Attributes {
		if said.Attributes[name] != "" {
			continue
		}
		for _, text := range TextsIn(fields, name) {
			labelled := plain
			labelled.Attributes = map[string]string{name: text}
			records = append(records, labelled)
		}
	}
	return records
}

// allFields are those of the user's own and those that programs have noted.
func allFields(item source.Item) map[string]any {
	fields := maps.Clone(item.Noted.Fields)
	if fields == nil {
		return item.Metadata
	}
	maps.Copy(fields, item.Metadata)
	return fields
}

func (f Folder) captions(item source.Item) []Caption {
	var captions []Caption
	if len(item.Captions) == 0 {
		for _, caption := range item.Noted.Captions {
			item.Captions = append(item.Captions, source.Caption(caption))
		}
	}
	for _, caption := range item.Captions {
		if len(f.Languages) == 0 || slices.ContainsFunc(f.Languages, func(tag string) bool { return strings.EqualFold(tag, caption.Language) }) {
			captions = append(captions, Caption(caption))
		}
	}
	return captions
}

// TextsIn are the texts in a metadata field: one, or those of a list.
func TextsIn(fields map[string]any, name string) []string {
	switch value := fields[name].(type) {
	case string:
		return []string{value}
	case []any:
		var texts []string
		for _, element := range value {
			if text, ok := element.(string); ok {
				texts = append(texts, text)
			}
		}
		return texts
	}
	return nil
}

// Spread takes at most so many items from all over a list, which is often
// sorted by what they show. most is at least 1.
func Spread[T any](items []T, most int) []T {
	if len(items) <= most {
		return items
	}
	taken := make([]T, most)
	for i := range taken {
		taken[i] = items[i*len(items)/most]
	}
	return taken
}
