package learner

import "strings"

// Average moves the weights back towards those that training began with, by the given
// share of the way, 0 to 1: the model is then the average of the two (Wortsman et al.
// 2021, "Robust fine-tuning of zero-shot models", arXiv 2109.01903). What training
// did not change stays as it is, to the bit. For an adapter, what it adds is scaled.
// Parameters that only objectives have added are left alone.
func (l *Learner) Average(start float64) error {
	for i, parameter := range l.State.Parameters {
		began, ok, err := l.began(parameter)
		if err != nil {
			return err
		}
		if ok {
			averageInto(l.State.Weight(i), began, float32(1-start))
		}
	}
	return nil
}

// began gives the values that a parameter of the model had before training.
func (l *Learner) began(parameter Parameter) (values []float32, ok bool, err error) {
	if _, stored := l.index.Tensor(parameter.Name); stored {
		values = make([]float32, parameter.Elements())
		return values, true, l.index.ReadRows(parameter.Name, 0, values)
	}
	// An adapter is the product of two matrices, of which the second began at
	// zero: scaling it scales the product.
	if strings.HasSuffix(parameter.Name, loraB) {
		return make([]float32, parameter.Elements()), true, nil
	}
	return nil, false, nil
}

// averageInto keeps the given share of what was changed.
func averageInto(weights, began []float32, kept float32) {
	for i, start := range began {
		weights[i] = start + kept*(weights[i]-start)
	}
}
