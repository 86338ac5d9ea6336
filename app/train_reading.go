package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"polylens/app/cldr"
	"polylens/app/setup"
	"polylens/indexer/source"
	"polylens/trainer"
	"polylens/trainer/data"
)

// guardPictures is how many pictures of the demo are guarded: with their names
// in 36 languages enough to tell a loss of a point, and few enough to encode
// with a large model.
const guardPictures = 300

// reading says where the pairs and their pictures are.
func (t training) reading() (trainer.Reading, error) {
	reading, err := t.program.reading(t.progress)
	if err != nil {
		return trainer.Reading{}, err
	}
	for _, path := range t.config.Data.Pairs {
		from, err := pairSource(path, t.config.Fields()...)
		if err != nil {
			return trainer.Reading{}, fmt.Errorf("pairs: %w", err)
		}
		reading.Sources = append(reading.Sources, from)
	}
	if t.config.Data.Collection != "" {
		reading.Sources = append(reading.Sources, t.fromCollection())
	}
	return reading, nil
}

// fromCollection reads the captions and chosen metadata of a collection.
func (t training) fromCollection() data.Source {
	from := data.Collection{Catalog: t.store, Name: t.config.Data.Collection, Captions: true, Languages: t.config.Data.Languages, Attributes: t.config.Fields()}
	for _, field := range t.config.Data.Fields {
		language, text, ok := strings.Cut(field, "=")
		if !ok || strings.Contains(language, "{{") {
			language, text = "", field
		}
		from.Templates = append(from.Templates, data.Template{Language: language, Text: text})
	}
	return from
}

// reading prepares to read pictures.
func (p *program) reading(progress func(done, total int)) (trainer.Reading, error) {
	decoder, err := p.openDecoder()
	if err != nil {
		return trainer.Reading{}, err
	}
	files := p.pictureFiles()
	p.later(func(context.Context) error { files.Close(); return nil })
	return trainer.Reading{Opener: files, Decoder: data.DecodeWith(decoder, p.decodeLimits()), Progress: progress}, nil
}

// progressLine tells people now and then how many pictures have been looked at.
func progressLine(p *program) func(done, total int) {
	next := make(chan time.Time, 1) // holds when to tell next; the callers are many
	next <- time.Now().Add(2 * time.Second)
	return func(done, total int) {
		at := <-next
		if time.Now().After(at) {
			fmt.Fprintf(p.terminal.err, "looked at %d of %d pictures\n", done, total)
			at = time.Now().Add(5 * time.Second)
		}
		next <- at
	}
}

// pairSource reads a file of pairs by its ending, or a folder, with the named
// attributes.
func pairSource(path string, attributes ...string) (data.Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return folderPairs{path: path, attributes: attributes}, nil
	}
	options := data.ReadOptions{Anywhere: true, Attributes: attributes}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv", ".tsv":
		return data.Table{Path: path, Options: options}, nil
	case ".tar":
		return data.Shards{Paths: []string{path}, Options: options}, nil
	default:
		return data.Lines{Path: path, Options: options}, nil
	}
}

// folderPairs are the pictures of a folder with the captions beside them, as
// indexing reads them. Pictures of which nothing is said are only somewhere in
// the folder and left out.
type folderPairs struct {
	path       string
	attributes []string // metadata fields that count, too; one that is a list gives a record for each
	languages  []string // that count; none is all
	most       int      // pictures; 0 is all
}

// Read implements data.Source.
func (f folderPairs) Read(ctx context.Context, record func(data.Record) error, problem func(data.Problem)) error {
	directory, err := source.NewDirectory(f.path)
	if err != nil {
		return err
	}
	var all [][]data.Record
	err = directory.Walk(ctx, func(item source.Item) error {
		if records := f.records(item); len(records) > 0 {
			all = append(all, records)
		}
		return nil
	}, func(p source.Problem) { problem(data.Problem{Place: data.Place{File: p.URI}, Err: p.Err}) })
	if err != nil {
		return err
	}
	for _, records := range evenly(all, f.most) {
		for _, one := range records {
			if err := record(one); err != nil {
				return err
			}
		}
	}
	return nil
}

// records of a picture: one with what is said of it, unless nothing is, and one
// for each value of a field that is a list.
func (f folderPairs) records(item source.Item) []data.Record {
	plain := data.Record{Picture: data.Picture{URI: item.URI}, Relevance: 1, Place: data.Place{File: item.URI}}
	said := plain
	said.Captions = f.captions(item)
	said.Attributes = data.ReadOptions{Attributes: f.attributes}.AttributesIn(item.Metadata)
	var records []data.Record
	if len(said.Captions) > 0 || len(said.Attributes) > 0 {
		records = append(records, said)
	}
	for _, name := range f.attributes {
		if said.Attributes[name] != "" {
			continue
		}
		for _, value := range labelsIn(item.Metadata, name) {
			labelled := plain
			labelled.Attributes = map[string]string{name: value}
			records = append(records, labelled)
		}
	}
	return records
}

func (f folderPairs) captions(item source.Item) []data.Caption {
	var captions []data.Caption
	for _, caption := range item.Captions {
		if len(f.languages) == 0 || slices.Contains(f.languages, caption.Language) {
			captions = append(captions, data.Caption(caption))
		}
	}
	return captions
}

// evenly takes at most so many items, spread over all.
func evenly[T any](items []T, most int) []T {
	if most <= 0 || len(items) <= most {
		return items
	}
	taken := make([]T, most)
	for i := range taken {
		taken[i] = items[i*len(items)/most]
	}
	return taken
}

// guarded is what the model must not forget; nil for nothing.
func (t training) guarded(ctx context.Context, model *trainer.Model) (*trainer.Guarded, error) {
	if t.config.Data.Guard == noGuard {
		return nil, nil
	}
	from, err := t.guardSource()
	if err != nil {
		return nil, err
	}
	reading, err := t.program.reading(nil)
	if err != nil {
		return nil, err
	}
	reading.Sources = []data.Source{from}
	config := t.config.Config
	config.Split = trainer.Split{}
	material, err := trainer.Inspect(ctx, config, model, reading)
	if err != nil {
		return nil, fmt.Errorf("the guarded set: %w", err)
	}
	if material.Report.Pairs == 0 {
		return nil, errors.New("the guarded set has no pairs: name another with --guard, or none")
	}
	return trainer.NewGuarded(material, reading)
}

func (t training) guardSource() (data.Source, error) {
	if t.config.Data.Guard != demoPairs {
		from, err := pairSource(t.config.Data.Guard)
		if err != nil {
			return nil, fmt.Errorf("the guarded set: %w", err)
		}
		return from, nil
	}
	folder, err := t.program.item(setup.Demo)
	if err != nil {
		return nil, err
	}
	return folderPairs{path: folder, languages: cldr.Crossmodal3600, most: guardPictures}, nil
}
