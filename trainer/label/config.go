package label

import "fmt"

// Config says which labels pictures are distinguished by. Zero weights leave a loss
// out.
type Config struct {
	Items     float64 `json:"items"`     // weight of the loss over items
	Texts     float64 `json:"texts"`     // weight of the loss over texts
	Names     float64 `json:"names"`     // weight of the loss of texts over all items, which they are compared with
	Shared    int     `json:"shared"`    // items that have a text at least, for it to be a label
	Language  string  `json:"language"`  // of these texts; "" takes all languages
	Smoothing float64 `json:"smoothing"` // share of the target that all items have alike
	Scale     float64 `json:"scale"`     // of the vectors, as the inverse of a temperature
	Centre    bool    `json:"centre"`    // take off what the vectors of a batch have in common: at first that is nearly all
	Alone     bool    `json:"alone"`     // without the sigmoid loss, so that texts are not encoded
}

// Default is the configuration where it is used, but with weights of zero.
func Default() Config { return Config{Shared: 3, Smoothing: 0.05, Scale: 16} }

func isWeight(value float64) bool { return value >= 0 && value <= most }

// On reports whether there is a loss of pictures.
func (c Config) On() bool { return c.Items > 0 || c.Texts > 0 }

// Check reports the first thing that is wrong.
func (c Config) Check() error {
	switch {
	case !isWeight(c.Items) || !isWeight(c.Texts) || !isWeight(c.Names):
		return fmt.Errorf("items %v, texts %v, names %v: want weights from 0 to %d", c.Items, c.Texts, c.Names, most)
	case c.Shared < 2:
		return fmt.Errorf("shared %d: a text of a single item says no more than the item, so want 2 or more", c.Shared)
	case !(c.Smoothing >= 0 && c.Smoothing < 1):
		return fmt.Errorf("smoothing %v: want 0 or more and below 1", c.Smoothing)
	case !(c.Scale > 0) || c.Scale > most:
		return fmt.Errorf("scale %v: want a number above 0, up to %d", c.Scale, most)
	case c.Alone && !c.On():
		return fmt.Errorf("alone is set, but items and texts are 0: there would be no loss")
	}
	return nil
}

// most is far beyond what makes sense.
const most = 1000
