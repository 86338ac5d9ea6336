package trainer

import (
	"context"
	"errors"

	"polylens/encoder/ort"
	"polylens/encoder/preprocess"
	"polylens/encoder/siglip2"
	"polylens/trainer/data/batch"
	"polylens/trainer/learner"
)

// loads is how many batches are loaded for a step.
func (c Config) loads() int { return c.Batch.Accumulate * c.Selection.times() }

// across reports whether the texts of a part are compared with the pictures of all
// parts. Means of all items are the same for each of them.
func (c Config) across() bool {
	return c.Batch.AcrossParts && c.Batch.Accumulate > 1 && !c.Batch.AllItems
}

// gradients computes the gradients of a step, given what was loaded for it.
func (r *run) gradients(ctx context.Context, loaded []batch.Loaded) error {
	if err := errors.Join(r.keepAll(), r.startDistilling()); err != nil {
		return err
	}
	parts, err := r.choose(ctx, loaded)
	if err != nil {
		return err
	}
	if r.config.across() {
		return r.together(ctx, parts)
	}
	for i, part := range parts {
		if err := r.part(ctx, part, i == 0); err != nil {
			return err
		}
	}
	return nil
}

// together computes the gradients of all parts as those of one batch.
func (r *run) together(ctx context.Context, parts []batch.Loaded) error {
	batches := make([]learner.Batch, len(parts))
	for i, part := range parts {
		var err error
		if batches[i], err = r.batch(ctx, part); err != nil {
			return err
		}
	}
	reports, err := r.learner.StepAcross(ctx, batches, r.targets(parts))
	if err != nil {
		return err
	}
	return r.note(reports, len(parts)*r.config.Batch.Pictures)
}

// targets are those of all parts, as batch.Batch.Relevance gives them for one.
func (r *run) targets(parts []batch.Loaded) learner.Targets {
	var items, pairs []int
	for _, part := range parts {
		items, pairs = append(items, part.Items...), append(pairs, part.Pairs...)
	}
	return func(text int, row []float32) {
		for picture := range row {
			row[picture] = r.related.Grade(pairs[text], items[picture])
		}
	}
}

// enterTexts computes what enters a step for the texts of pairs.
func (r *run) enterTexts(ctx context.Context, pairs []int) (ort.Tensor, error) {
	if r.prefixes.texts.cache != nil {
		return r.prefixes.texts.take(ctx, pairs, func(ctx context.Context, pair int) (ort.Tensor, error) {
			return r.learner.EnterTexts(ctx, r.Model.tokensOf(r.Material.textsOf([]int{pair})))
		})
	}
	return r.learner.EnterTexts(ctx, r.Model.tokensOf(r.Material.textsOf(pairs)))
}

// enterPictures computes what enters a step for the pictures that were loaded.
func (r *run) enterPictures(ctx context.Context, loaded batch.Loaded) (ort.Tensor, []siglip2.Grid, error) {
	if r.vectors != nil {
		means, err := r.itemMeans(ctx)
		return means, nil, err
	}
	if r.prefixes.pictures.cache == nil {
		return r.enter(ctx, loaded.Pixels)
	}
	rows := map[int]preprocess.Pixels{}
	for i, picture := range loaded.Pictures {
		rows[picture] = loaded.Pixels[i]
	}
	kept, err := r.prefixes.pictures.take(ctx, loaded.Pictures, func(ctx context.Context, picture int) (ort.Tensor, error) {
		pixels := rows[picture]
		if pixels.Values == nil {
			var err error
			if pixels, err = r.pixels(ctx, picture); err != nil {
				return ort.Tensor{}, err
			}
		}
		entered, _, err := r.enter(ctx, []preprocess.Pixels{pixels})
		return entered, err
	})
	return kept, nil, err
}
