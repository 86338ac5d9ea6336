package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"polylens/encoder"
	"polylens/indexer/catalog"
	"polylens/trainer/evaluate"
)

// Samples by which the next model is compared: enough to see a loss of a few
// points, few enough to be encoded twice while people wait.
const (
	comparedPictures = 500
	comparedTexts    = 1000
	comparedHits     = 10
)

// compare asks both models for what people have said of the pictures of each
// collection, among a sample of them. A loss beyond what the forgetting gate
// allows is an error unless it is forced.
func (x *parts) compare(ctx context.Context, next *views, force bool) error {
	collections, err := x.store.Collections(ctx)
	if err != nil {
		return err
	}
	for _, collection := range collections {
		if collection.Images == 0 || !x.models.now().searches(collection) {
			continue
		}
		if err := x.compareOn(ctx, collection, next, force); err != nil {
			return err
		}
	}
	return nil
}

func (x *parts) compareOn(ctx context.Context, collection catalog.Collection, next *views, force bool) error {
	images, _, err := x.store.ListImages(ctx, collection.Name, "", comparedPictures)
	if err != nil {
		return err
	}
	before, err := x.models.now().of(collection.SearchedMaxPatches)
	if err != nil {
		return err
	}
	after, err := next.of(collection.MaxPatches)
	if err != nil {
		return err
	}
	set, err := evaluate.NewSet(describe(images), nil)
	if err != nil {
		x.program.log.Info("the models cannot be compared: no picture of the collection has a text", "collection", collection.Name)
		return nil //nolint:nilerr // a collection without captions is none to judge by
	}
	was, err := x.judge(ctx, set, images, before)
	if err != nil {
		return err
	}
	is, err := x.judge(ctx, set, images, after)
	if err != nil {
		return err
	}
	x.program.log.Info("models compared", "collection", collection.Name, "pictures", len(images),
		"r5 before", meanRecall(was.report), "r5 after", meanRecall(is.report), "same hits", overlap(was.hits, is.hits))
	verdict, err := evaluate.CheckForgetting(was.report, is.report, evaluate.Allowance{Points: evaluate.DefaultAllowed})
	if err == nil && !verdict.Passed && !force {
		err = fmt.Errorf("collection %q is searched worse with it: %s (force uses it nevertheless)", collection.Name, verdict.Problem())
	}
	return err
}

// describe are images with their first texts, about as many of each.
func describe(images []catalog.Image) []evaluate.Picture {
	most := max(1, comparedTexts/max(1, len(images)))
	pictures := make([]evaluate.Picture, len(images))
	for i, image := range images {
		texts := textsOf(image.Captions)
		pictures[i] = evaluate.Picture{Name: path.Base(image.URI), Texts: texts[:min(most, len(texts))]}
	}
	return pictures
}

// judged is what a model finds.
type judged struct {
	report evaluate.Report
	hits   [][]string // the pictures most like each picture, by content
}

func (x *parts) judge(ctx context.Context, set *evaluate.Set, images []catalog.Image, model *encoder.Encoder) (judged, error) {
	contents := make([]string, len(images))
	for i, image := range images {
		contents[i] = image.SHA256
	}
	known, err := x.store.Vectors(ctx, model.PictureFingerprint(), contents)
	if err != nil {
		return judged{}, err
	}
	vectors := make([][]float32, len(images))
	for i, content := range contents {
		if vectors[i] = known[content]; vectors[i] == nil {
			return judged{}, errors.New("a picture has no vector of the model: index its folder, then try again")
		}
	}
	report, err := set.Evaluate(ctx, model, vectors, nil)
	return judged{report, neighbours(contents, vectors)}, err
}

// neighbours are the contents most like each of the first pictures.
func neighbours(contents []string, vectors [][]float32) [][]string {
	var all [][]string
	for _, query := range vectors[:min(len(vectors), 100)] {
		order := make([]int, len(vectors))
		scores := make([]float32, len(vectors))
		for i, vector := range vectors {
			order[i] = i
			for d := range vector {
				scores[i] += vector[d] * query[d]
			}
		}
		slices.SortStableFunc(order, func(a, b int) int {
			switch {
			case scores[a] > scores[b]:
				return -1
			case scores[a] < scores[b]:
				return 1
			}
			return 0
		})
		var hits []string
		for _, i := range order[:min(len(order), comparedHits)] {
			hits = append(hits, contents[i])
		}
		all = append(all, hits)
	}
	return all
}

// overlap is the share of hits that two lists of hits have in common.
func overlap(a, b [][]string) float64 {
	same, all := 0, 0
	for i := range a {
		for _, hit := range a[i] {
			all++
			if slices.Contains(b[i], hit) {
				same++
			}
		}
	}
	return float64(same) / float64(max(1, all))
}

// meanRecall is R@5 of text_to_image, as a mean over languages.
func meanRecall(report evaluate.Report) float64 {
	for _, quality := range report.Summary() {
		if quality.Language == evaluate.MeanLanguage && quality.Direction == evaluate.TextToImage {
			return quality.R5
		}
	}
	return 0
}
