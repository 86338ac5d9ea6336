package learnability

import (
	"errors"
	"fmt"
	"math"
)

// Model is what a model makes of a super-batch of n pairs: image i and text i
// belong together.
type Model struct {
	Images, Texts []float32 // n rows of Width, of unit length
	Width         int
	Scale, Bias   float64 // the logit of image i and text j is Scale*dot + Bias; Scale is not its logarithm
}

func (m Model) pairs() int { return len(m.Images) / m.Width }

func (m Model) image(i int) []float32 { return m.Images[i*m.Width:][:m.Width] }

func (m Model) text(i int) []float32 { return m.Texts[i*m.Width:][:m.Width] }

// loss of an image and a text whose vectors have this dot product: softplus of
// the logit, turned round for those that belong together (SigLIP,
// https://arxiv.org/abs/2303.15343, equation 1).
func (m Model) loss(dot float32, together bool) float64 {
	logit := m.Scale*float64(dot) + m.Bias
	if together {
		logit = -logit
	}
	return max(logit, 0) + math.Log1p(math.Exp(-math.Abs(logit)))
}

// checkModels demands models of the same pairs.
func checkModels(learner, teacher Model) error {
	if err := learner.check(); err != nil {
		return fmt.Errorf("the learner: %w", err)
	}
	if err := teacher.check(); err != nil {
		return fmt.Errorf("the teacher: %w", err)
	}
	if learner.pairs() != teacher.pairs() {
		return fmt.Errorf("the learner has %d pairs, the teacher %d", learner.pairs(), teacher.pairs())
	}
	return nil
}

func (m Model) check() error {
	switch {
	case m.Width <= 0 || len(m.Images) == 0 || len(m.Images)%m.Width != 0:
		return fmt.Errorf("%d values are no image vectors of width %d", len(m.Images), m.Width)
	case len(m.Images) != len(m.Texts):
		return fmt.Errorf("%d values of images stand against %d of texts", len(m.Images), len(m.Texts))
	case !(m.Scale > 0) || math.IsInf(m.Scale, 0):
		return fmt.Errorf("the scale is %v, it must be a positive number", m.Scale)
	case math.IsNaN(m.Bias) || math.IsInf(m.Bias, 0):
		return fmt.Errorf("the bias is %v, which is no number", m.Bias)
	}
	for i := range m.pairs() {
		if err := checkUnit(m.image(i)); err != nil {
			return fmt.Errorf("the vector of image %d %w", i, err)
		}
		if err := checkUnit(m.text(i)); err != nil {
			return fmt.Errorf("the vector of text %d %w", i, err)
		}
	}
	return nil
}

// tolerance of a squared length, far beyond rounding in 16 bits.
const tolerance = 0.02

func checkUnit(vector []float32) error {
	var square float64
	for _, value := range vector {
		square += float64(value) * float64(value)
	}
	if math.IsNaN(square) || math.IsInf(square, 0) {
		return errors.New("holds values that are not finite: the model has diverged")
	}
	if math.Abs(square-1) > tolerance {
		return fmt.Errorf("has the length %.3g instead of 1", math.Sqrt(square))
	}
	return nil
}
