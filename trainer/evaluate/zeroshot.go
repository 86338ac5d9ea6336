package evaluate

import (
	"context"
	"fmt"
	"slices"

	"polylens/internal/text"
)

// promptBatch is how many prompts are asked of the encoder at once: a class may
// have hundreds.
const promptBatch = 256

// ZeroShot classifies pictures by the class whose vector is nearest, in each of the
// languages, or in all that classes have prompts in if none is given. The vector of a
// class is the normalized mean of the unit vectors of its sentences. labels[i] are
// the right answers to picture i, any of which counts; a picture with no label among
// the classes of a language is left out, and so is a class without a prompt in it.
// R@1 and R@5 are the accuracies.
func (c Classes) ZeroShot(ctx context.Context, encoder TextEncoder, pictures [][]float32, labels [][]string, languages []string) (Report, error) {
	if len(labels) != len(pictures) {
		return nil, fmt.Errorf("zero-shot: labels of %d pictures for %d", len(labels), len(pictures))
	}
	if err := CheckVectors("pictures", pictures); err != nil {
		return nil, fmt.Errorf("zero-shot: %w", err)
	}
	if len(languages) == 0 {
		languages = c.Languages()
	}
	var report Report
	for _, language := range slices.Compact(slices.Sorted(slices.Values(languages))) {
		result, err := c.zeroShot(ctx, encoder, pictures, labels, language)
		if err != nil {
			return nil, fmt.Errorf("zero-shot in %s: %w", language, err)
		}
		report = append(report, result)
	}
	return report, nil
}

func (c Classes) zeroShot(ctx context.Context, encoder TextEncoder, pictures [][]float32, labels [][]string, language string) (Result, error) {
	named := c.in(language)
	if len(named) < 2 {
		return Result{}, fmt.Errorf("%d classes have a prompt, at least 2 are needed", len(named))
	}
	labelled, relevant, digest := answers(named, labels)
	if len(labelled) == 0 {
		return Result{}, fmt.Errorf("no picture is labelled with one of the %d classes, the first of which is %q", len(named), named[0].Label)
	}
	digest.add(language)
	for _, class := range named {
		digest.add(class.Label)
	}
	vectors, err := c.vectors(ctx, encoder, named, language)
	if err != nil {
		return Result{}, err
	}
	queries := make([][]float32, len(labelled))
	for i, place := range labelled {
		queries[i] = pictures[place]
	}
	ranks, err := Ranks(ctx, queries, vectors, relevant)
	if err != nil {
		return Result{}, err
	}
	return newResult(language, ZeroShot, ranks, len(named), digest.String()), nil
}

// in are the classes that have a prompt in a language.
func (c Classes) in(language string) []Class {
	var named []Class
	for _, class := range c.Classes {
		if len(class.Prompts[language]) > 0 {
			named = append(named, class)
		}
	}
	return named
}

// answers are the pictures that are labelled with one of the classes, the places
// of these classes, and a digest of both.
func answers(classes []Class, labels [][]string) (labelled []int, relevant [][]int, digest digest) {
	digest = newDigest()
	places := make(map[string]int, len(classes))
	for i, class := range classes {
		places[class.Label] = i
	}
	for picture, own := range labels {
		var right []int
		for _, label := range own {
			if place, ok := places[label]; ok && !slices.Contains(right, place) {
				right = append(right, place)
			}
		}
		if len(right) > 0 {
			slices.Sort(right)
			labelled, relevant = append(labelled, picture), append(relevant, right)
			digest.addPlaces([]int{picture})
			digest.addPlaces(right)
		}
	}
	return labelled, relevant, digest
}

// vectors are the classes' unit vectors.
func (c Classes) vectors(ctx context.Context, encoder TextEncoder, classes []Class, language string) ([][]float32, error) {
	var sentences []string
	var owners []int
	for i, class := range classes {
		own := c.sentences(class, language)
		for k, sentence := range own {
			own[k] = text.Query(sentence)
		}
		sentences = append(sentences, own...)
		owners = append(owners, slices.Repeat([]int{i}, len(own))...)
	}
	sums := make([][]float64, len(classes))
	for from := 0; from < len(sentences); from += promptBatch {
		to := min(from+promptBatch, len(sentences))
		if err := addPrompts(ctx, encoder, sentences[from:to], owners[from:to], sums); err != nil {
			return nil, err
		}
	}
	vectors := make([][]float32, len(classes))
	for i, sum := range sums {
		var err error
		if vectors[i], err = normalised(sum); err != nil {
			return nil, fmt.Errorf("class %q: its prompts cancel out: %w", classes[i].Label, err)
		}
	}
	return vectors, nil
}

func addPrompts(ctx context.Context, encoder TextEncoder, sentences []string, owners []int, sums [][]float64) error {
	encoded, err := encoder.EncodeTexts(ctx, sentences)
	if err != nil {
		return err
	}
	if len(encoded) != len(sentences) {
		return fmt.Errorf("the model gave %d vectors for %d prompts", len(encoded), len(sentences))
	}
	for i, vector := range encoded {
		if err := CheckVectors("prompts", [][]float32{vector}); err != nil {
			return fmt.Errorf("prompt %q: %w", sentences[i], err)
		}
		owner := owners[i]
		if sums[owner] == nil {
			sums[owner] = make([]float64, len(vector))
		}
		for k, x := range vector {
			sums[owner][k] += float64(x)
		}
	}
	return nil
}
