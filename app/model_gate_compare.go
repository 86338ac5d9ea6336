package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"polylens/encoder/gate"
	"polylens/indexer/catalog"
	"polylens/indexer/decode"
	"polylens/trainer/evaluate"
)

// gateBatch is how many pictures or texts are encoded together.
const gateBatch = 8

// gateSide is one of the two models, with the vectors that it gave.
type gateSide struct {
	gate.Embedder
	texts    map[string][]float32
	pictures [][]float32 // of the pairs
}

// EncodeTexts asks the model for each text once: what was compared is searched
// with afterwards, and more than once.
func (s *gateSide) EncodeTexts(ctx context.Context, texts []string) ([][]float32, error) {
	var missing []string
	for _, text := range texts {
		if _, known := s.texts[text]; !known && !slices.Contains(missing, text) {
			missing = append(missing, text)
		}
	}
	encoded, err := s.Embedder.EncodeTexts(ctx, missing)
	if err != nil {
		return nil, err
	}
	for i, text := range missing {
		s.texts[text] = encoded[i]
	}
	vectors := make([][]float32, len(texts))
	for i, text := range texts {
		vectors[i] = s.texts[text]
	}
	return vectors, nil
}

// gateComparison compares a model with itself in fp32.
type gateComparison struct {
	exact, candidate *gateSide
	progress         io.Writer
	next             time.Time // of a line about the progress
	log              *slog.Logger
}

func newGateComparison(exact, candidate gate.Embedder, p *program) *gateComparison {
	side := func(model gate.Embedder) *gateSide { return &gateSide{Embedder: model, texts: map[string][]float32{}} }
	return &gateComparison{exact: side(exact), candidate: side(candidate),
		progress: p.terminal.err, next: time.Now().Add(2 * time.Second), log: p.log}
}

// judge fills in all that a verdict says of the vectors.
func (c *gateComparison) judge(ctx context.Context, verdict *gate.Verdict, pairs gatePairs) error {
	texts, names, pictures := gate.Probes()
	var err error
	if verdict.Texts, err = gate.Texts(ctx, c.exact, c.candidate, texts); err != nil {
		return err
	}
	if verdict.Pictures, err = gate.Pictures(ctx, c.exact, c.candidate, names, pictures); err != nil {
		return err
	}
	if len(pairs.pictures) > 0 {
		if verdict.Pairs, err = c.retrieve(ctx, pairs); err != nil {
			return err
		}
	}
	verdict.Judge()
	return nil
}

// retrieve compares the vectors of pairs, and what each model finds with them.
func (c *gateComparison) retrieve(ctx context.Context, pairs gatePairs) (*gate.Retrieval, error) {
	images, err := c.encodePictures(ctx, pairs.pictures)
	if err != nil {
		return nil, err
	}
	set, err := evaluate.NewSet(asked(images), pairs.languages)
	if err != nil {
		return nil, fmt.Errorf("readable pictures of %s: %w", pairs.source, err)
	}
	result := &gate.Retrieval{Source: pairs.source, Own: pairs.own, Recalls: []gate.Recall{}}
	names := make([]string, len(images))
	for i, image := range images {
		names[i] = filepath.Base(image.URI)
	}
	if result.Pictures, err = gate.Compare(names, c.candidate.pictures, c.exact.pictures); err != nil {
		return nil, err
	}
	if result.Texts, err = c.compareTexts(ctx, set.Texts()); err != nil {
		return nil, err
	}
	if result.Pictures.Invalid+result.Texts.Invalid > 0 {
		return result, nil // nothing can be searched with such vectors
	}
	result.Recalls, err = c.recalls(ctx, set)
	return result, err
}

func asked(images []catalog.Image) []evaluate.Picture {
	pictures := make([]evaluate.Picture, len(images))
	for i, image := range images {
		pictures[i] = evaluate.Picture{Name: image.URI, Texts: textsOf(image.Captions)}
	}
	return pictures
}

// encodePictures encodes with both models what can be read of the pictures,
// and answers it in a form that can be judged. IDs are the places of vectors.
func (c *gateComparison) encodePictures(ctx context.Context, pictures []gatePicture) ([]catalog.Image, error) {
	var images []catalog.Image
	done := 0
	for chunk := range slices.Chunk(pictures, gateBatch) {
		var batch []image.Image
		for _, picture := range chunk {
			decoded, _, err := decode.File(ctx, picture.path, decode.Limits{})
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err != nil {
				c.log.Warn("skipped a picture", "error", err)
				continue
			}
			batch = append(batch, decoded)
			images = append(images, catalog.Image{ID: strconv.Itoa(len(images)), URI: picture.path, Captions: picture.captions})
		}
		if err := c.encodeBatch(ctx, batch); err != nil {
			return nil, err
		}
		done += len(chunk)
		c.tell("pictures", done, len(pictures))
	}
	if len(images) == 0 {
		return nil, errors.New("none of the pictures can be read")
	}
	return images, nil
}

func (c *gateComparison) encodeBatch(ctx context.Context, batch []image.Image) error {
	for _, side := range []*gateSide{c.exact, c.candidate} {
		vectors, err := side.EncodeImages(ctx, batch)
		if err != nil {
			return err
		}
		side.pictures = append(side.pictures, vectors...)
	}
	return nil
}

// compareTexts compares distinct texts.
func (c *gateComparison) compareTexts(ctx context.Context, texts []string) (gate.Agreement, error) {
	done := 0
	for batch := range slices.Chunk(texts, gateBatch) { // so that the progress is seen
		if _, err := gate.Texts(ctx, c.exact, c.candidate, batch); err != nil {
			return gate.Agreement{}, err
		}
		done += len(batch)
		c.tell("texts", done, len(texts))
	}
	return gate.Texts(ctx, c.exact, c.candidate, texts)
}

// recalls lets fp32, the candidate, and fp32 among the candidate's pictures
// search.
func (c *gateComparison) recalls(ctx context.Context, set *evaluate.Set) ([]gate.Recall, error) {
	var found [3]evaluate.Report
	for i, s := range []struct{ queries, among *gateSide }{{c.exact, c.exact}, {c.candidate, c.candidate}, {c.exact, c.candidate}} {
		pictures, err := unit(s.among.pictures)
		if err != nil {
			return nil, err
		}
		if found[i], err = set.Evaluate(ctx, unitTexts{s.queries}, pictures, nil); err != nil {
			return nil, err
		}
		c.tell("searches", i+1, len(found))
	}
	var recalls []gate.Recall
	for i, result := range found[0] {
		if result.Direction == evaluate.TextToImage {
			recalls = append(recalls, gate.Recall{Language: result.Language, Queries: result.N,
				Exact: result.R5, Candidate: found[1][i].R5, Mixed: found[2][i].R5})
		}
	}
	return recalls, nil
}

// unitTexts gives vectors of length 1, whatever the model's are: the gate judges
// where they point.
type unitTexts struct{ side *gateSide }

// EncodeTexts implements evaluate.TextEncoder.
func (u unitTexts) EncodeTexts(ctx context.Context, texts []string) ([][]float32, error) {
	vectors, err := u.side.EncodeTexts(ctx, texts)
	if err != nil {
		return nil, err
	}
	return unit(vectors)
}

func unit(vectors [][]float32) ([][]float32, error) {
	units := make([][]float32, len(vectors))
	for i, vector := range vectors {
		var err error
		if units[i], err = evaluate.Unit(vector); err != nil {
			return nil, fmt.Errorf("vector %d: %w", i, err)
		}
	}
	return units, nil
}

// tell says now and then how far things are.
func (c *gateComparison) tell(what string, done, of int) {
	if time.Now().After(c.next) {
		fmt.Fprintf(c.progress, "%d of %d %s\n", done, of, what)
		c.next = time.Now().Add(5 * time.Second)
	}
}
