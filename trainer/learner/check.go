package learner

import (
	"fmt"
	"slices"
	"strings"
)

// maxRank is beyond the width of every layer that adapters are made for.
const maxRank = 4096

// mostAlpha is beyond all that scales an adapter, and within the range of float32.
const mostAlpha = 1e6

// Check reports the first thing that is wrong with the settings.
func (l LoRA) Check() error {
	known := DefaultLoRA()
	switch {
	case l.Rank < 1 || l.Rank > maxRank:
		return fmt.Errorf("lora.rank %d: want 1 to %d", l.Rank, maxRank)
	case !(l.Alpha > 0 && l.Alpha <= mostAlpha):
		return fmt.Errorf("lora.alpha %v: want a number above 0, up to %g", l.Alpha, mostAlpha)
	}
	if err := checkNames("lora.targets", l.Targets, known.Targets); err != nil {
		return err
	}
	return checkNames("lora.towers", l.Towers, known.Towers)
}

// checkNames demands some of the known names.
func checkNames(field string, names, known []string) error {
	if len(names) == 0 {
		return fmt.Errorf("%s names nothing: want some of %s", field, strings.Join(known, ", "))
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("%s: %q is unknown: want some of %s", field, name, strings.Join(known, ", "))
		}
	}
	return nil
}
