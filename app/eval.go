package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"golang.org/x/text/unicode/norm"

	"polylens/app/cldr"
	"polylens/indexer/catalog"
	"polylens/search"
	"polylens/search/exact"
)

type evalCommand struct {
	Collection   string   `default:"demo" placeholder:"NAME" help:"Collection whose pictures have captions (default: ${default})."`
	Languages    []string `placeholder:"TAG" help:"Only these languages (default: the 36 of Crossmodal-3600 that the captions have)."`
	ThroughIndex bool     `help:"Search through Milvus instead of comparing with every vector: much slower, and what users get."`
	JSON         bool     `help:"Print one JSON object a line: language, direction, n, r1, r5, r10, mrr, median_rank."`
}

// Help documents the command.
func (*evalCommand) Help() string {
	return `Measures a model by what it was not told: each picture's caption is the query, and the picture, or another one with ` +
		`the same caption, is the right answer. R@5 is the share of queries with a right answer among the first five; ` +
		`"mean" weighs every language alike. text-to-image is what a search does, image-to-text the way back.

The collection must be indexed, and no server may run on the data folder.

Examples:

    polylens eval
    polylens eval --collection demo --languages de,ja,ar --json
    polylens eval --model ./siglip2-base-patch16-224 --collection photos

` + exitHelp
}

func (c *evalCommand) Run(ctx context.Context, p *program) error {
	instance, _, err := hold(p.globals.Data, "eval")
	if err != nil {
		return err
	}
	p.later(instance.release)
	parts, err := p.openParts(ctx)
	if err != nil {
		return err
	}
	images, err := parts.allImages(ctx, c.Collection)
	if err != nil {
		return err
	}
	if c.ThroughIndex {
		err = parts.connect(ctx)
	} else {
		err = parts.fillExact(ctx, c.Collection, images)
	}
	if err != nil {
		return err
	}
	judgements := judge(images, c.languages())
	if len(judgements) == 0 {
		return fmt.Errorf("no picture of collection %q has a caption in %s", c.Collection, strings.Join(c.languages(), ", "))
	}
	quality, err := search.New(parts.index, searchCatalog{parts.store, true}, searchEncoder{parts.encoder, parts.views}).Evaluate(ctx, c.Collection, judgements)
	if err != nil {
		return err
	}
	return c.print(p, quality)
}

func (c *evalCommand) languages() []string {
	if len(c.Languages) > 0 {
		return c.Languages
	}
	return cldr.Crossmodal3600
}

// allImages lists a whole collection, with captions.
func (x *parts) allImages(ctx context.Context, collection string) ([]catalog.Image, error) {
	if _, err := x.store.Collection(ctx, collection); err != nil {
		return nil, fmt.Errorf("collection %q: %w", collection, translated(err, search.ErrCollectionNotFound))
	}
	var all []catalog.Image
	for cursor := ""; ; {
		images, next, err := x.store.ListImages(ctx, collection, cursor, 1000)
		if err != nil {
			return nil, err
		}
		all = append(all, images...)
		if cursor = next; next == "" {
			return all, nil
		}
	}
}

// fillExact puts the catalogue's vectors into an index that compares with
// every one of them.
func (x *parts) fillExact(ctx context.Context, collection string, images []catalog.Image) error {
	found, err := x.store.UncountedCollection(ctx, collection)
	if err != nil {
		return err
	}
	view, err := x.views.of(found.SearchedMaxPatches)
	if err != nil {
		return err
	}
	index := exact.New()
	key := search.Key{Collection: collection, Fingerprint: view.Fingerprint(), Dimension: view.Dimension()}
	if err := index.Ensure(ctx, key); err != nil {
		return err
	}
	for chunk := range slices.Chunk(images, 500) {
		var rows []search.Row
		for _, image := range chunk {
			vector, err := x.store.Vector(ctx, image.ID, key.Fingerprint)
			if err != nil {
				return fmt.Errorf("collection %q was not indexed with this model, index it again: %w", collection, err)
			}
			rows = append(rows, search.Row{ID: image.ID, Vector: vector})
		}
		if err := index.Upsert(ctx, key, rows); err != nil {
			return err
		}
	}
	x.index.set(index)
	return nil
}

// judge asks for every picture by its captions, as a person who looks for it
// would: once a picture. Pictures whose captions are equal, case aside, answer
// each other.
func judge(images []catalog.Image, languages []string) []search.Judgement {
	var judgements []search.Judgement
	for _, language := range languages {
		accept := make(map[string][]string)
		var asked []string
		for _, image := range images {
			for _, caption := range image.Captions {
				if !strings.EqualFold(caption.Language, language) {
					continue
				}
				text := folded(caption.Text)
				asked = append(asked, text)
				accept[text] = append(accept[text], image.ID)
			}
		}
		for _, text := range asked {
			judgements = append(judgements, search.Judgement{Language: language, Text: text, Accept: accept[text]})
		}
	}
	return judgements
}

// folded is the form in which two captions are compared.
func folded(text string) string {
	return strings.TrimSpace(strings.ToLower(norm.NFC.String(text)))
}

func (c *evalCommand) print(p *program, quality []search.Quality) error {
	if c.JSON {
		encoder := json.NewEncoder(p.terminal.out)
		for _, line := range quality {
			if err := encoder.Encode(line); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(p.terminal.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "LANGUAGE\tDIRECTION\tQUERIES\tR@1\tR@5\tR@10\tMRR\tMEDIAN RANK\t")
	for _, q := range quality {
		fmt.Fprintf(table, "%s\t%s\t%d\t%.3f\t%.3f\t%.3f\t%.3f\t%.1f\t\n", q.Language, q.Direction, q.N, q.R1, q.R5, q.R10, q.MRR, q.MedianRank)
	}
	return table.Flush()
}
