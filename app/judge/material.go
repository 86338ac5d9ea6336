package judge

import (
	"context"

	"polylens/trainer/evaluate"
)

// Material is pictures that a model has seen, and what is known about them.
type Material struct {
	Pictures  []evaluate.Picture
	Vectors   [][]float32 // the unit vector of each picture
	Labels    [][]string  // the classes of each picture
	Languages []string    // of the texts that are searched for, nil for all
}

// NewMaterial returns the material of pictures with their vectors.
func NewMaterial(pictures []Picture, vectors [][]float32, languages []string) Material {
	material := Material{Vectors: vectors, Languages: languages}
	for _, picture := range pictures {
		material.Add(picture.Name(), picture.Texts, picture.Labels)
	}
	return material
}

// Add adds what is known about a picture.
func (m *Material) Add(name string, texts []evaluate.Text, labels []string) {
	m.Pictures = append(m.Pictures, evaluate.Picture{Name: name, Texts: texts})
	m.Labels = append(m.Labels, labels)
}

// Evaluate measures retrieval, unless there are classes and no texts, and
// classification in the given languages, nil for all, if there are classes. rank
// ranks the pictures for texts; nil compares with every vector.
func (m Material) Evaluate(ctx context.Context, model evaluate.TextEncoder, rank evaluate.TextRanker, classes *evaluate.Classes, languages []string) (evaluate.Report, error) {
	var report evaluate.Report
	if set, err := evaluate.NewSet(m.Pictures, m.Languages); err == nil {
		if report, err = set.Evaluate(ctx, model, m.Vectors, rank); err != nil {
			return nil, err
		}
	} else if classes == nil {
		return nil, err
	}
	if classes == nil {
		return report, nil
	}
	classified, err := classes.ZeroShot(ctx, model, m.Vectors, m.Labels, languages)
	return append(report, classified...), err
}
