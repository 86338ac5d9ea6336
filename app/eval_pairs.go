package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"log/slog"
	"path"
	"path/filepath"
	"slices"
	"time"

	"polylens/app/cldr"
	"polylens/app/setup"
	"polylens/encoder"
	"polylens/indexer/decode"
	"polylens/trainer/data"
	"polylens/trainer/evaluate"
)

// evalBatch is how many pictures are encoded together.
const evalBatch = 8

// evalPair is a picture with what is known of it.
type evalPair struct {
	picture data.Picture
	items   []string // that it is said to show
	texts   []evaluate.Text
	labels  []string
}

// demoPairs names the pictures that setup fetches, in place of a path.
const demoPairs = "demo"

// pairsMaterial encodes pictures that are in no collection.
func (c *evalCommand) pairsMaterial(ctx context.Context, p *program) (*evalMaterial, error) {
	pairs, languages, err := p.evalPairs(ctx, c.Pairs, c.Label)
	if err != nil {
		return nil, err
	}
	if len(c.Languages) > 0 {
		languages = c.Languages
	}
	if pairs, err = c.usable(ctx, p, pairs); err != nil {
		return nil, fmt.Errorf("pairs in %s: %w", c.Pairs, err)
	}
	model, err := p.openEncoder(ctx)
	if err != nil {
		return nil, err
	}
	return p.encodePairs(ctx, model, pairs, languages)
}

// evalPairs are those of a folder or a file, or the demo's with their names from
// CLDR, and the languages that count, nil for all.
func (p *program) evalPairs(ctx context.Context, from, label string) ([]evalPair, []string, error) {
	if from != demoPairs {
		pairs, err := readEvalPairs(ctx, from, label, p.log)
		return pairs, nil, err
	}
	folder, err := p.item(setup.Demo)
	if err != nil {
		return nil, nil, err
	}
	pairs, err := readEvalPairs(ctx, folder, label, p.log)
	return pairs, cldr.Crossmodal3600, err
}

// encodePairs lets a model see the pictures, those that can be read.
func (p *program) encodePairs(ctx context.Context, model *encoder.Encoder, pairs []evalPair, languages []string) (*evalMaterial, error) {
	decoder, err := p.openDecoder()
	if err != nil {
		return nil, err
	}
	files := p.pictureFiles()
	defer files.Close()
	e := pairEncoder{model, decoder, p.decodeLimits(), files, p.terminal.err, time.Now().Add(2 * time.Second), p.log}
	material := &evalMaterial{encoder: model, captions: languages}
	return material, e.encode(ctx, pairs, material)
}

// pictureFiles opens pictures of pairs. Those from the web are kept.
func (p *program) pictureFiles() *data.Files {
	return data.NewFiles(data.FileOptions{Cache: filepath.Join(p.globals.Cache, "pictures")})
}

// readEvalPairs reads a folder or a file, of which also pictures that it says
// nothing of. A place that cannot be used is left out with a warning.
func readEvalPairs(ctx context.Context, path, label string, log *slog.Logger) ([]evalPair, error) {
	from, err := ownPairs(path, label)
	if err != nil {
		return nil, usageError{fmt.Errorf("--pairs: %w", err)}
	}
	var pairs evalPairs
	err = from.Read(ctx, func(record data.Record) error {
		pairs.add(record, label)
		return nil
	}, func(problem data.Problem) { log.Warn("skipped", "place", problem.Place.String(), "error", problem.Err) })
	if err != nil {
		return nil, fmt.Errorf("pairs: %w", err)
	}
	return pairs.all, nil
}

// evalPairs puts together what several places say of one picture.
type evalPairs struct {
	all   []evalPair
	known map[data.Picture]int
}

func (x *evalPairs) add(record data.Record, label string) {
	place, seen := x.known[record.Picture]
	if !seen {
		place = len(x.all)
		x.all = append(x.all, evalPair{picture: record.Picture})
		if x.known == nil {
			x.known = make(map[data.Picture]int)
		}
		x.known[record.Picture] = place
	}
	pair := &x.all[place]
	if record.Item != "" {
		pair.items = append(pair.items, record.Item)
	}
	for _, caption := range record.Captions {
		if caption.Language == "" {
			caption.Language = undetermined
		}
		pair.texts = append(pair.texts, evaluate.Text(caption))
	}
	if own, ok := record.Attributes[label]; ok {
		pair.labels = append(pair.labels, own)
	}
}

// pairEncoder encodes pictures as they are indexed.
type pairEncoder struct {
	model    *encoder.Encoder
	decoder  *decode.Decoder
	limits   decode.Limits
	opener   data.Opener
	progress io.Writer
	next     time.Time // of a line about the progress
	log      *slog.Logger
}

// encode fills in all that the pictures which can be read say.
func (e *pairEncoder) encode(ctx context.Context, pairs []evalPair, into *evalMaterial) error {
	done := 0
	for chunk := range slices.Chunk(pairs, evalBatch) {
		var batch []image.Image
		for _, pair := range chunk {
			decoded, err := e.decode(ctx, pair.picture)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				e.log.Warn("skipped a picture", "picture", pair.picture.String(), "error", err)
				continue
			}
			batch = append(batch, decoded)
			into.pictures = append(into.pictures, evaluate.Picture{Name: path.Base(pair.picture.String()), Texts: pair.texts})
			into.labels = append(into.labels, pair.labels)
		}
		vectors, err := e.model.EncodeImages(ctx, batch)
		if err != nil {
			return err
		}
		into.vectors = append(into.vectors, vectors...)
		done += len(chunk)
		e.tell(done, len(pairs))
	}
	if len(into.pictures) == 0 {
		return errors.New("none of the pictures can be read")
	}
	return nil
}

func (e *pairEncoder) decode(ctx context.Context, picture data.Picture) (image.Image, error) {
	file, err := e.opener.Bytes(ctx, picture)
	if err != nil {
		return nil, err
	}
	decoded, _, err := e.decoder.Bytes(ctx, picture.String(), file, e.model.Target, e.limits)
	return decoded, err
}

// tell says now and then how far things are.
func (e *pairEncoder) tell(done, of int) {
	if time.Now().After(e.next) {
		fmt.Fprintf(e.progress, "%d of %d pictures\n", done, of)
		e.next = time.Now().Add(5 * time.Second)
	}
}
