package main

import (
	"context"
	"fmt"

	"polylens/app/cldr"
	"polylens/app/judge"
	"polylens/app/setup"
	"polylens/app/training"
	"polylens/internal/progress"
	"polylens/trainer/data"
)

// demoPairs names the pictures that setup fetches, in place of a path.
const demoPairs = training.GuardDemo

// pairsFrom reads the pairs at a path, or the demo's with their names from CLDR,
// and returns the languages that count, nil for all. A place that cannot be used
// is left out with a warning.
func (p *program) pairsFrom(ctx context.Context, from, label string) ([]judge.Picture, []string, error) {
	var languages []string
	path := from
	if from == demoPairs {
		var err error
		if path, err = p.item(setup.Demo); err != nil {
			return nil, nil, err
		}
		languages = cldr.Crossmodal3600
	}
	source, err := data.Open(ctx, path, data.ReadOptions{Anywhere: true, Attributes: []string{label}, Cache: p.pictureCache()})
	if err != nil {
		return nil, nil, usageError{fmt.Errorf("--pairs: %w", err)}
	}
	pictures, err := judge.Read(ctx, source, label, func(problem data.Problem) {
		p.log.Warn("skipped", "place", problem.Place.String(), "error", problem.Err)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("pairs: %w", err)
	}
	return pictures, languages, nil
}

// viewer shows pictures of pairs to models.
func (p *program) viewer() (judge.Viewer, error) {
	files, decoder, err := p.openPictures()
	if err != nil {
		return judge.Viewer{}, err
	}
	p.later(func(context.Context) error { files.Close(); return nil })
	return judge.Viewer{
		Opener: files, Decoder: decoder, Progress: p.progress(),
		Skipped: func(picture data.Picture, err error) {
			p.log.Warn("skipped a picture", "picture", picture.String(), "error", err)
		},
	}, nil
}

// progress shows people how far things have come.
func (p *program) progress() func(what string, done, of int) {
	line := progress.New(p.terminal.err)
	return func(what string, done, of int) {
		line.Show(progress.Count{Done: done, Total: of, What: what})
		if done == of {
			line.End()
		}
	}
}
