package trainer

import (
	"context"
	"fmt"

	"polylens/encoder/ort"
	"polylens/encoder/preprocess"
	"polylens/trainer/data"
	"polylens/trainer/evaluate"
	"polylens/trainer/learner"
)

// together is how many texts or pictures are encoded at once for an evaluation.
const together = 32

// examined is a set that a model is evaluated on, with its pictures.
type examined struct {
	set      *evaluate.Set
	pictures []data.Picture
	reading  Reading
}

// newExamined makes a set of pictures with all their texts.
func newExamined(set *data.Set, pictures []int, reading Reading) (*examined, error) {
	pairs := set.PairsOf()
	e := &examined{reading: reading}
	var described []evaluate.Picture
	for _, picture := range pictures {
		one := evaluate.Picture{Name: set.Pictures[picture].String()}
		for _, pair := range pairs[picture] {
			one.Texts = append(one.Texts, evaluate.Text{Language: languageOf(set.Pairs[pair]), Text: set.Pairs[pair].Text})
		}
		described = append(described, one)
		e.pictures = append(e.pictures, set.Pictures[picture])
	}
	var err error
	e.set, err = evaluate.NewSet(described, nil)
	return e, err
}

// undetermined is the language of texts that name none (BCP 47, ISO 639-2).
const undetermined = "und"

func languageOf(pair data.Pair) string {
	if pair.Language == "" {
		return undetermined
	}
	return pair.Language
}

// evaluate measures the learner as it is now.
func (e *examined) evaluate(ctx context.Context, model *Model, l *learner.Learner) (evaluate.Report, error) {
	vectors, err := e.encode(ctx, model, l)
	if err != nil {
		return nil, err
	}
	texts := textEncoder{model, l}
	return e.set.Evaluate(ctx, texts, vectors, nil)
}

func (e *examined) encode(ctx context.Context, model *Model, l *learner.Learner) ([][]float32, error) {
	var vectors [][]float32
	for start := 0; start < len(e.pictures); start += together {
		some := e.pictures[start:min(start+together, len(e.pictures))]
		pixels, err := e.pixels(ctx, model, some)
		if err != nil {
			return nil, err
		}
		encoded, err := model.encode(ctx, l, pixels)
		if err != nil {
			return nil, err
		}
		vectors = append(vectors, rows(encoded)...)
	}
	return vectors, nil
}

func (e *examined) pixels(ctx context.Context, model *Model, pictures []data.Picture) ([]preprocess.Pixels, error) {
	all := make([]preprocess.Pixels, len(pictures))
	for i, picture := range pictures {
		content, err := e.reading.Opener.Bytes(ctx, picture)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", picture, err)
		}
		decoded, err := e.reading.Decoder.Decode(ctx, picture.String(), content, nil)
		if err != nil {
			return nil, err
		}
		if all[i], err = model.pixels.Process(decoded); err != nil {
			return nil, fmt.Errorf("%s: %w", picture, err)
		}
	}
	return all, nil
}

// rows cuts [n, D] apart.
func rows(tensor ort.Tensor) [][]float32 {
	width := int(tensor.Shape[1])
	vectors := make([][]float32, tensor.Shape[0])
	for i := range vectors {
		vectors[i] = tensor.Floats[i*width : (i+1)*width : (i+1)*width]
	}
	return vectors
}

// textEncoder is the learner as evaluations ask it.
type textEncoder struct {
	model   *Model
	learner *learner.Learner
}

// EncodeTexts implements evaluate.TextEncoder.
func (t textEncoder) EncodeTexts(ctx context.Context, texts []string) ([][]float32, error) {
	var vectors [][]float32
	for start := 0; start < len(texts); start += together {
		some := texts[start:min(start+together, len(texts))]
		encoded, err := t.learner.EncodeTexts(ctx, ort.Ints(t.model.ids(some), int64(len(some)), int64(t.model.length())))
		if err != nil {
			return nil, err
		}
		vectors = append(vectors, rows(encoded)...)
	}
	return vectors, nil
}
