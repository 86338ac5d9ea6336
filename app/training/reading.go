package training

import (
	"context"
	"errors"
	"fmt"

	"polylens/app/cldr"
	"polylens/app/setup"
	"polylens/trainer"
	"polylens/trainer/data"
)

// guardPictures is how many pictures of the demo are guarded: with their names in
// 36 languages they are enough to show a loss of a point, and few enough to encode
// with a large model.
const guardPictures = 300

// reading says where the pairs and their pictures are.
func (t *Training) reading(ctx context.Context) (trainer.Reading, error) {
	reading, err := t.pictures(t.Progress)
	if err != nil {
		return trainer.Reading{}, err
	}
	for _, path := range t.Config.Data.Pairs {
		from, err := t.openPairs(ctx, path, t.Config.Fields()...)
		if err != nil {
			return trainer.Reading{}, fmt.Errorf("pairs: %w", err)
		}
		reading.Sources = append(reading.Sources, from)
	}
	if t.Config.Data.Collection != "" {
		reading.Sources = append(reading.Sources, t.fromCollection())
	}
	return reading, nil
}

// fromCollection reads the captions and chosen metadata of a collection.
func (t *Training) fromCollection() data.Source {
	from := data.Collection{Catalog: t.Catalog, Name: t.Config.Data.Collection, Captions: true, Languages: t.Config.Data.Languages, Attributes: t.Config.Fields()}
	from.Templates = t.Config.Data.templates()
	return from
}

// openPairs opens the source of pairs that a user names, with the named attributes;
// its pictures may lie anywhere.
func (t *Training) openPairs(ctx context.Context, path string, attributes ...string) (data.Source, error) {
	return data.Open(ctx, path, data.ReadOptions{Anywhere: true, Attributes: attributes, Cache: t.Cache})
}

// pictures prepares to read pictures. closeFiles ends it.
func (t *Training) pictures(progress func(done, total int)) (trainer.Reading, error) {
	files, decoder, err := t.Pictures()
	if err != nil {
		return trainer.Reading{}, err
	}
	t.files = append(t.files, files)
	return trainer.Reading{Opener: files, Decoder: decoder, Progress: progress}, nil
}

func (t *Training) closeFiles() {
	for _, files := range t.files {
		files.Close()
	}
	t.files = nil
}

// guarded is what the model must not forget; nil for nothing.
func (t *Training) guarded(ctx context.Context, model *trainer.Model) (*trainer.Guarded, error) {
	if t.Config.Data.Guard == GuardNone {
		return nil, nil
	}
	from, err := t.guardSource(ctx)
	if err != nil {
		return nil, err
	}
	reading, err := t.pictures(nil)
	if err != nil {
		return nil, err
	}
	reading.Sources = []data.Source{from}
	config := t.Config.Config
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

func (t *Training) guardSource(ctx context.Context) (data.Source, error) {
	if t.Config.Data.Guard != GuardDemo {
		from, err := t.openPairs(ctx, t.Config.Data.Guard)
		if err != nil {
			return nil, fmt.Errorf("the guarded set: %w", err)
		}
		return from, nil
	}
	folder, err := t.Item(setup.Demo)
	if err != nil {
		return nil, err
	}
	return data.Folder{Path: folder, Languages: cldr.Crossmodal3600, Most: guardPictures}, nil
}
