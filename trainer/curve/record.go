package curve

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Record is what is known about a run after a step. Either part may be missing.
type Record struct {
	Step  int64     `json:"step"`  // optimizer steps taken
	Epoch float64   `json:"epoch"` // passes over the training pairs, with fraction
	Time  time.Time `json:"time"`
	*Training
	Validation []Validation `json:"validation,omitempty"` // one for each language and direction
}

// Training is what a step reports about itself.
type Training struct {
	Loss            Number            `json:"loss"` // mean over the steps since the record before
	LossParts       map[string]Number `json:"loss_parts,omitempty"`
	LearningRate    Number            `json:"learning_rate"`
	GradientNorm    Number            `json:"gradient_norm"` // before clipping
	Temperature     Number            `json:"temperature"`   // by which logits are multiplied
	Bias            Number            `json:"bias"`          // added to logits
	ImagesPerSecond Number            `json:"images_per_second"`
}

// Validation is how well held-out pairs are found in one language and
// direction.
type Validation struct {
	Language   string `json:"language"`  // BCP 47
	Direction  string `json:"direction"` // text_to_image or image_to_text
	N          int    `json:"n"`         // queries
	R1         Number `json:"r1"`        // recall among the first 1, 0 to 1
	R5         Number `json:"r5"`
	R10        Number `json:"r10"`
	MRR        Number `json:"mrr"` // mean reciprocal rank, 0 to 1
	MedianRank Number `json:"median_rank"`
}

// Number is a value that need not be finite: a diverging run is recorded, too.
// JSON has no word for such a value, so there it is null.
type Number float64

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) {
	if value := float64(n); !math.IsNaN(value) && !math.IsInf(value, 0) {
		return json.Marshal(value)
	}
	return []byte("null"), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *Number) UnmarshalJSON(text []byte) error {
	value := math.NaN()
	if string(text) != "null" {
		if err := json.Unmarshal(text, &value); err != nil {
			return err
		}
	}
	*n = Number(value)
	return nil
}

// Values gives every value of the record the name that it has on charts:
// "loss", "loss_parts/captioning", "validation/de/text_to_image/r1".
func (r Record) Values() map[string]float64 {
	values := map[string]float64{"epoch": r.Epoch}
	if training := r.Training; training != nil {
		training.addTo(values)
	}
	for _, v := range r.Validation {
		v.addTo(values)
	}
	return values
}

func (t *Training) addTo(values map[string]float64) {
	values["loss"] = float64(t.Loss)
	for name, part := range t.LossParts {
		values["loss_parts/"+name] = float64(part)
	}
	values["learning_rate"] = float64(t.LearningRate)
	values["gradient_norm"] = float64(t.GradientNorm)
	values["temperature"] = float64(t.Temperature)
	values["bias"] = float64(t.Bias)
	values["images_per_second"] = float64(t.ImagesPerSecond)
}

func (v Validation) addTo(values map[string]float64) {
	prefix := strings.Join([]string{"validation", v.Language, v.Direction, ""}, "/")
	values[prefix+"r1"] = float64(v.R1)
	values[prefix+"r5"] = float64(v.R5)
	values[prefix+"r10"] = float64(v.R10)
	values[prefix+"mrr"] = float64(v.MRR)
	values[prefix+"median_rank"] = float64(v.MedianRank)
}

// names are those of Values, sorted.
func names(values map[string]float64) []string { return slices.Sorted(maps.Keys(values)) }
