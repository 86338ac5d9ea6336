package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"polylens/app/cldr"
	"polylens/app/setup"
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
		from, err := ownPairs(path, t.config.Fields()...)
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
	tell := p.progress()
	return func(done, total int) { tell("pictures looked at", done, total) }
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
		from, err := ownPairs(t.config.Data.Guard)
		if err != nil {
			return nil, fmt.Errorf("the guarded set: %w", err)
		}
		return from, nil
	}
	folder, err := t.program.item(setup.Demo)
	if err != nil {
		return nil, err
	}
	return data.Folder{Path: folder, Languages: cldr.Crossmodal3600, Most: guardPictures}, nil
}
