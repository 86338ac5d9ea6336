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
func (c *trainCommand) reading(ctx context.Context, p *program) (trainer.Reading, error) {
	reading, err := p.reading(progressLine(p))
	if err != nil {
		return trainer.Reading{}, err
	}
	for _, path := range c.Pairs {
		from, err := pairSource(path)
		if err != nil {
			return trainer.Reading{}, usageError{fmt.Errorf("--pairs: %w", err)}
		}
		reading.Sources = append(reading.Sources, from)
	}
	if c.Collection == "" {
		return reading, nil
	}
	collection, err := c.fromCollection(ctx, p)
	reading.Sources = append(reading.Sources, collection)
	return reading, err
}

// fromCollection reads the captions and chosen metadata of a collection.
func (c *trainCommand) fromCollection(ctx context.Context, p *program) (data.Source, error) {
	store, err := p.openCatalog(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := store.Collection(ctx, c.Collection); err != nil {
		return nil, fmt.Errorf("collection %q: %w", c.Collection, err)
	}
	from := data.Collection{Catalog: store, Name: c.Collection, Captions: true, Languages: c.Languages}
	for _, field := range c.Field {
		language, text, ok := strings.Cut(field, "=")
		if !ok || strings.Contains(language, "{{") {
			language, text = "", field
		}
		from.Templates = append(from.Templates, data.Template{Language: language, Text: text})
	}
	return from, nil
}

// reading prepares to read pictures.
func (p *program) reading(progress func(done, total int)) (trainer.Reading, error) {
	decoder, err := p.openDecoder()
	if err != nil {
		return trainer.Reading{}, err
	}
	files := data.NewFiles(data.FileOptions{Cache: filepath.Join(p.globals.Cache, "pictures")})
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

// pairSource reads a file of pairs by its ending, or a folder.
func pairSource(path string) (data.Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return folderPairs{path: path}, nil
	}
	options := data.ReadOptions{Anywhere: true}
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
// indexing reads them.
type folderPairs struct {
	path      string
	languages []string // that count; none is all
	most      int      // pictures; 0 is all
}

// Read implements data.Source.
func (f folderPairs) Read(ctx context.Context, record func(data.Record) error, problem func(data.Problem)) error {
	directory, err := source.NewDirectory(f.path)
	if err != nil {
		return err
	}
	var items []source.Item
	err = directory.Walk(ctx, func(item source.Item) error {
		if len(f.captions(item)) > 0 {
			items = append(items, item)
		}
		return nil
	}, func(p source.Problem) { problem(data.Problem{Place: data.Place{File: p.URI}, Err: p.Err}) })
	if err != nil {
		return err
	}
	for _, item := range evenly(items, f.most) {
		err := record(data.Record{
			Picture: data.Picture{URI: item.URI}, Captions: f.captions(item), Relevance: 1, Place: data.Place{File: item.URI},
		})
		if err != nil {
			return err
		}
	}
	return nil
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
func (c *trainCommand) guarded(ctx context.Context, p *program, config trainer.Config, model *trainer.Model) (*trainer.Guarded, error) {
	if c.Guard == "none" {
		return nil, nil
	}
	from, err := c.guardSource(p)
	if err != nil {
		return nil, err
	}
	reading, err := p.reading(nil)
	if err != nil {
		return nil, err
	}
	reading.Sources = []data.Source{from}
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

func (c *trainCommand) guardSource(p *program) (data.Source, error) {
	if c.Guard != demoPairs {
		from, err := pairSource(c.Guard)
		if err != nil {
			return nil, usageError{fmt.Errorf("--guard: %w", err)}
		}
		return from, nil
	}
	folder, err := p.item(setup.Demo)
	if err != nil {
		return nil, err
	}
	return folderPairs{path: folder, languages: cldr.Crossmodal3600, most: guardPictures}, nil
}
