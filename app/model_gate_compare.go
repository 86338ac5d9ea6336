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
	"polylens/search"
	"polylens/search/exact"
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
	judgements := judge(images, pairs.languages)
	if len(judgements) == 0 {
		return nil, fmt.Errorf("no readable picture of %s has a caption in a language that counts", pairs.source)
	}
	result := &gate.Retrieval{Source: pairs.source, Own: pairs.own, Recalls: []gate.Recall{}}
	names := make([]string, len(images))
	for i, image := range images {
		names[i] = filepath.Base(image.URI)
	}
	if result.Pictures, err = gate.Compare(names, c.candidate.pictures, c.exact.pictures); err != nil {
		return nil, err
	}
	if result.Texts, err = c.compareTexts(ctx, judgements); err != nil {
		return nil, err
	}
	if result.Pictures.Invalid+result.Texts.Invalid > 0 {
		return result, nil // nothing can be searched with such vectors
	}
	result.Recalls, err = c.recalls(ctx, images, judgements)
	return result, err
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

// compareTexts compares each text once.
func (c *gateComparison) compareTexts(ctx context.Context, judgements []search.Judgement) (gate.Agreement, error) {
	texts := make([]string, len(judgements))
	for i, judgement := range judgements {
		texts[i] = judgement.Text
	}
	slices.Sort(texts)
	texts = slices.Compact(texts)
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
func (c *gateComparison) recalls(ctx context.Context, images []catalog.Image, judgements []search.Judgement) ([]gate.Recall, error) {
	var found [3][]search.Quality
	for i, s := range []gateSearch{{c.exact, c.exact}, {c.candidate, c.candidate}, {c.exact, c.candidate}} {
		var err error
		if found[i], err = s.evaluate(ctx, len(images), judgements); err != nil {
			return nil, err
		}
		c.tell("searches", i+1, len(found))
	}
	var recalls []gate.Recall
	for i, quality := range found[0] {
		recalls = append(recalls, gate.Recall{Language: quality.Language, Queries: quality.N,
			Exact: quality.R5, Candidate: found[1][i].R5, Mixed: found[2][i].R5})
	}
	return recalls, nil
}

// tell says now and then how far things are.
func (c *gateComparison) tell(what string, done, of int) {
	if time.Now().After(c.next) {
		fmt.Fprintf(c.progress, "%d of %d %s\n", done, of, what)
		c.next = time.Now().Add(5 * time.Second)
	}
}

// gateSearch is a search by the queries of one side among the pictures of
// another.
type gateSearch struct{ queries, among *gateSide }

// gateKey names the only collection of a gateSearch.
var gateKey = search.Key{Collection: "gate", Fingerprint: "gate"}

// evaluate answers how well texts find pictures, by language.
func (s gateSearch) evaluate(ctx context.Context, pictures int, judgements []search.Judgement) ([]search.Quality, error) {
	index := exact.New()
	key := gateKey
	key.Dimension = s.Dimension()
	if err := index.Ensure(ctx, key); err != nil {
		return nil, err
	}
	rows := make([]search.Row, pictures)
	for i := range rows {
		rows[i] = search.Row{ID: strconv.Itoa(i), Vector: s.among.pictures[i]}
	}
	if err := index.Upsert(ctx, key, rows); err != nil {
		return nil, err
	}
	quality, err := search.New(index, gateCatalog{s.among}, s).Evaluate(ctx, key.Collection, judgements)
	return slices.DeleteFunc(quality, func(q search.Quality) bool {
		return q.Direction != search.TextToImage || q.Language == search.MeanLanguage
	}), err
}

// Fingerprint implements search.Encoder.
func (gateSearch) Fingerprint() string { return gateKey.Fingerprint }

// For implements search.Encoder. The models are compared as they are.
func (s gateSearch) For(int) (search.Encoder, error) { return s, nil }

// Dimension implements search.Encoder.
func (s gateSearch) Dimension() int { return len(s.among.pictures[0]) }

// EncodeTexts implements search.Encoder.
func (s gateSearch) EncodeTexts(ctx context.Context, texts []string) ([][]float32, error) {
	return s.queries.EncodeTexts(ctx, texts)
}

// EncodeImages implements search.Encoder.
func (s gateSearch) EncodeImages(ctx context.Context, pictures []image.Image) ([][]float32, error) {
	return s.queries.EncodeImages(ctx, pictures)
}

// gateCatalog shows the pictures of a side to search.
type gateCatalog struct{ side *gateSide }

// Collection implements search.Catalog. Evaluate ranks as deep as there are
// images, and no more than the first five count here.
func (gateCatalog) Collection(_ context.Context, name string) (search.Collection, error) {
	return search.Collection{Name: name, Fingerprint: gateKey.Fingerprint, Images: 5}, nil
}

// Images implements search.Catalog.
func (c gateCatalog) Images(_ context.Context, _ string, ids []string) (map[string]search.Image, error) {
	images := make(map[string]search.Image, len(ids))
	for _, id := range ids {
		images[id] = search.Image{ID: id}
	}
	return images, nil
}

// Vector implements search.Catalog.
func (c gateCatalog) Vector(_ context.Context, _, id, _ string) ([]float32, error) {
	at, err := strconv.Atoi(id)
	if err != nil || at < 0 || at >= len(c.side.pictures) {
		return nil, fmt.Errorf("%w: %q", search.ErrImageNotFound, id)
	}
	return c.side.pictures[at], nil
}
