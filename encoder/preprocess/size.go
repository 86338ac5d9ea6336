package preprocess

import "fmt"

// WithSide returns a processor whose pictures have another number of pixels a
// side. One that keeps the aspect ratio (NaFlex) is an error.
func (p *Processor) WithSide(side int) (*Processor, error) {
	if p.Variable() || side < 1 {
		return nil, fmt.Errorf("a side of %d pixels: want a positive number, for a model of fixed resolution", side)
	}
	other := *p
	other.height, other.width = side, side
	return &other, nil
}
