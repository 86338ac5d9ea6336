package distill

import (
	"errors"
	"fmt"
	"math"

	"polylens/trainer/data/augment"
	"polylens/trainer/learner"
)

// Config says what is distilled, and when.
type Config struct {
	// Factor of both losses beside the sigmoid loss; 0 distils nothing. SigLIP 2
	// has 0.25 for B, 0.5 for L and g, and 1 for So400m.
	Factor float64 `json:"factor"`
	View   float64 `json:"view"`  // weight of the loss of local views; 0 leaves them out
	Patch  float64 `json:"patch"` // weight of the loss of masked patches; 0 leaves them out
	From   float64 `json:"from"`  // share of the steps after which distillation begins

	Local      int64         `json:"local"`       // local views of each picture
	LocalSide  int64         `json:"local_side"`  // pixels a side of these, whole patches; 0 is 3/7 of the model's
	LocalArea  augment.Range `json:"local_area"`  // share of the picture that a local view shows
	GlobalArea augment.Range `json:"global_area"` // likewise a global view
	Masked     float64       `json:"masked"`      // share of the patches

	// Momentum is how much of its weights the teacher keeps in a step. It moves to
	// LastMomentum by the end of the run, as half a cosine.
	Momentum       float64 `json:"momentum"`
	LastMomentum   float64 `json:"last_momentum"`
	CentreMomentum float64 `json:"centre_momentum"` // likewise the centres

	TeacherTemperature float64 `json:"teacher_temperature"`
	StudentTemperature float64 `json:"student_temperature"`

	Hidden     int64 `json:"hidden"`     // H, width of a head
	Embedding  int64 `json:"embedding"`  // E, what is compared with prototypes
	Prototypes int64 `json:"prototypes"` // K
}

// Default is what SigLIP 2 and DINO were trained with, but for what suits large
// machines only: 8 local views, and 65,536 prototypes, whose scores would be
// 400 MB for 16 pictures. Momentum is constant, since a teacher that slows down
// no longer learns from texts (SILC, section 3.2). It does not distil before
// Factor is set.
func Default() Config {
	return Config{
		View: 1, Patch: 0.25, From: 0.8,
		Local: 2, LocalArea: augment.Range{Low: 0.05, High: 0.4}, GlobalArea: augment.Range{Low: 0.4, High: 1}, Masked: 0.5,
		Momentum: 0.996, LastMomentum: 0.996, CentreMomentum: 0.9,
		TeacherTemperature: 0.04, StudentTemperature: 0.1,
		Hidden: 2048, Embedding: 256, Prototypes: 4096,
	}
}

// On reports whether anything is distilled.
func (c Config) On() bool { return c.Factor > 0 }

// locals is the number of local views of each picture.
func (c Config) locals() int64 {
	if c.View == 0 {
		return 0
	}
	return c.Local
}

// What is larger than in any known training: beyond it is a mistake, and would end for
// lack of memory.
const (
	mostLocal = 64
	mostSide  = 4096
	mostWidth = 1 << 16
	mostTypes = 1 << 20 // prototypes
)

// Check reports the first thing that is wrong with the configuration.
func (c Config) Check() error {
	for _, check := range []func() error{c.checkLosses, c.checkViews, c.checkTeacher, c.checkHeads} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (c Config) checkLosses() error {
	for name, weight := range map[string]float64{"factor": c.Factor, "view": c.View, "patch": c.Patch} {
		if !(weight >= 0) || math.IsInf(weight, 0) {
			return fmt.Errorf("%s %v: want 0 or a positive number", name, weight)
		}
	}
	switch {
	case c.View == 0 && c.Patch == 0:
		return errors.New("view and patch are both 0: set one of them, or factor to 0 to distil nothing")
	case !(c.From >= 0 && c.From < 1):
		return fmt.Errorf("from %v: want a share of the steps, 0 or more and below 1", c.From)
	}
	return nil
}

func (c Config) checkViews() error {
	for name, area := range map[string]augment.Range{"local_area": c.LocalArea, "global_area": c.GlobalArea} {
		if !(area.Low >= 0.01 && area.Low <= area.High && area.High <= 1) {
			return fmt.Errorf("%s %v to %v: want shares of the picture in order, 0.01 to 1", name, area.Low, area.High)
		}
	}
	switch {
	case c.View > 0 && (c.Local < 1 || c.Local > mostLocal):
		return fmt.Errorf("local %d: want 1 to %d views, or view 0 for no loss of them", c.Local, mostLocal)
	case c.LocalSide < 0 || c.LocalSide > mostSide:
		return fmt.Errorf("local_side %d: want at most %d pixels, or 0 for 3/7 of the model's", c.LocalSide, mostSide)
	case !(c.Masked > 0 && c.Masked < 1):
		return fmt.Errorf("masked %v: want a share of the patches between 0 and 1", c.Masked)
	}
	return nil
}

// leastTemperature keeps the exponents of cosines within the range of float32.
const leastTemperature = 0.025

func (c Config) checkTeacher() error {
	for name, momentum := range map[string]float64{
		"momentum": c.Momentum, "last_momentum": c.LastMomentum, "centre_momentum": c.CentreMomentum,
	} {
		if !(momentum >= 0 && momentum <= 1) {
			return fmt.Errorf("%s %v: want 0 to 1", name, momentum)
		}
	}
	for name, temperature := range map[string]float64{
		"teacher_temperature": c.TeacherTemperature, "student_temperature": c.StudentTemperature,
	} {
		if !(temperature >= leastTemperature) || math.IsInf(temperature, 0) {
			return fmt.Errorf("%s %v: want at least %v", name, temperature, leastTemperature)
		}
	}
	return nil
}

func (c Config) checkHeads() error {
	switch {
	case min(c.Hidden, c.Embedding) < 1 || max(c.Hidden, c.Embedding) > mostWidth:
		return fmt.Errorf("hidden %d, embedding %d: want 1 to %d", c.Hidden, c.Embedding, mostWidth)
	case c.Prototypes < 2 || c.Prototypes > mostTypes:
		return fmt.Errorf("prototypes %d: want 2 to %d", c.Prototypes, mostTypes)
	}
	return nil
}

// Start is the number of steps that are done when distillation begins.
func (c Config) Start(steps int64) int64 { return int64(math.Ceil(c.From * float64(steps))) }

// MomentumAt is that of the update after which so many of all steps are done.
func (c Config) MomentumAt(done, steps int64) learner.Momentum {
	start := c.Start(steps)
	passed := float64(done-start) / float64(max(1, steps-start))
	weights := c.LastMomentum + (c.Momentum-c.LastMomentum)*(1+math.Cos(math.Pi*passed))/2
	return learner.Momentum{Weights: weights, Observed: c.CentreMomentum}
}
