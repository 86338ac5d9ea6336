package trainer

import "fmt"

func (c Config) checkAverage() error {
	if !(c.Average >= 0 && c.Average < 1) {
		return fmt.Errorf("average %v: want the share of the weights before training, 0 or more and below 1", c.Average)
	}
	return nil
}

// takeAverage makes the result of the weights that training has found and of those
// that it began with. Checkpoints hold only the former, so that a run that was
// interrupted averages once.
func (r *run) takeAverage() error {
	if r.config.Average == 0 {
		return nil
	}
	if err := r.learner.Average(r.config.Average); err != nil {
		return fmt.Errorf("averaging with the model %s: %w", r.Model.Dir, err)
	}
	return nil
}
