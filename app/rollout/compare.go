package rollout

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"polylens/app/judge"
	"polylens/indexer/catalog"
	"polylens/trainer/evaluate"
)

// Samples by which the next model is compared: enough to see a loss of a few
// points, few enough to be encoded twice while people wait.
const (
	comparedPictures = 500
	comparedTexts    = 1000
)

// compare searches a sample of each collection's pictures with both models, for what
// people have said about them. A loss beyond what the forgetting gate allows is an
// error unless force is set.
func (r *Rollout) compare(ctx context.Context, next *views, force bool) error {
	collections, err := r.Catalog.Collections(ctx)
	if err != nil {
		return err
	}
	for _, collection := range collections {
		if collection.Images == 0 || !r.Searches(collection) {
			continue
		}
		if err := r.compareOn(ctx, collection, next, force); err != nil {
			return err
		}
	}
	return nil
}

func (r *Rollout) compareOn(ctx context.Context, collection catalog.Collection, next *views, force bool) error {
	images, _, err := r.Catalog.ListImages(ctx, collection.Name, "", comparedPictures)
	if err != nil {
		return err
	}
	before, err := r.models.now().of(collection.SearchedMaxPatches)
	if err != nil {
		return err
	}
	after, err := next.of(collection.MaxPatches)
	if err != nil {
		return err
	}
	if images, err = r.seenByBoth(ctx, images, before, after); err != nil {
		return err
	}
	set, err := evaluate.NewSet(describe(images), nil)
	if err != nil {
		r.Log.Info("the models cannot be compared: no picture of the collection has a text", "collection", collection.Name)
		return nil //nolint:nilerr // a collection without captions decides nothing
	}
	contents := contentsOf(images)
	was, err := r.side(ctx, contents, before)
	if err != nil {
		return err
	}
	is, err := r.side(ctx, contents, after)
	if err != nil {
		return err
	}
	found, err := judge.Compare(ctx, set, contents, was, is)
	if err != nil {
		return err
	}
	r.Log.Info("models compared", "collection", collection.Name, "pictures", len(images),
		"r5 before", judge.MeanRecall(found.Before), "r5 after", judge.MeanRecall(found.After), "same hits", found.SameHits)
	verdict, err := found.Forgetting()
	if err == nil && !verdict.Passed && !force {
		err = fmt.Errorf("collection %q is searched worse with it: %s (force uses it nevertheless)", collection.Name, verdict.Problem())
	}
	return err
}

// seenByBoth are the images of which both models have vectors: some may have been sent just
// now.
func (r *Rollout) seenByBoth(ctx context.Context, images []catalog.Image, models ...Model) ([]catalog.Image, error) {
	for _, model := range models {
		known, err := r.Catalog.Vectors(ctx, model.PictureFingerprint(), contentsOf(images))
		if err != nil {
			return nil, err
		}
		images = slices.DeleteFunc(images, func(image catalog.Image) bool { return known[image.SHA256] == nil })
	}
	return images, nil
}

// describe returns images with their first texts, about as many for each.
func describe(images []catalog.Image) []evaluate.Picture {
	most := max(1, comparedTexts/max(1, len(images)))
	pictures := make([]evaluate.Picture, len(images))
	for i, image := range images {
		texts := judge.TextsOf(image.Captions)
		pictures[i] = evaluate.Picture{Name: path.Base(image.URI), Texts: texts[:min(most, len(texts))]}
	}
	return pictures
}

func contentsOf(images []catalog.Image) []string {
	contents := make([]string, len(images))
	for i, image := range images {
		contents[i] = image.SHA256
	}
	return contents
}

// side is a model with its stored vectors of the contents of pictures.
func (r *Rollout) side(ctx context.Context, contents []string, model Model) (judge.Side, error) {
	known, err := r.Catalog.Vectors(ctx, model.PictureFingerprint(), contents)
	if err != nil {
		return judge.Side{}, err
	}
	vectors := make([][]float32, len(contents))
	for i, content := range contents {
		if vectors[i] = known[content]; vectors[i] == nil {
			return judge.Side{}, errors.New("a picture has no vector of the model: index its folder, then try again")
		}
	}
	return judge.Side{Model: model, Vectors: vectors}, nil
}
