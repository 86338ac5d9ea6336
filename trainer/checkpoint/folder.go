package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"polylens/internal/replace"
)

// Folder holds the checkpoints of one run. One process at a time may save into
// it.
type Folder struct {
	Path string
	Keep int // of the newest checkpoints, besides the best one; 0 stands for 2
}

const (
	latestFile  = "latest"
	maxLatest   = 4096
	defaultKeep = 2
)

var stepPattern = regexp.MustCompile(`^step-([0-9]{9,18})$`)

func stepName(step int64) string { return fmt.Sprintf("step-%09d", step) }

// stepOf reads the name of a checkpoint.
func stepOf(name string) (int64, bool) {
	match := stepPattern.FindStringSubmatch(name)
	if match == nil {
		return 0, false
	}
	step, err := strconv.ParseInt(match[1], 10, 64)
	return step, err == nil && stepName(step) == name
}

func (f Folder) pathOf(step int64) string { return filepath.Join(f.Path, stepName(step)) }

// Steps lists the steps that have a checkpoint, whole or not, ascending. A
// folder that does not exist has none.
func (f Folder) Steps() ([]int64, error) {
	entries, err := os.ReadDir(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var steps []int64
	for _, entry := range entries {
		if step, ok := stepOf(entry.Name()); ok && entry.IsDir() {
			steps = append(steps, step)
		}
	}
	slices.Sort(steps)
	return steps, err
}

// latest is the step that the pointer names, if it can be read.
func (f Folder) latest() (int64, bool) {
	content, err := readSmall(filepath.Join(f.Path, latestFile), maxLatest)
	if err != nil {
		return 0, false
	}
	return stepOf(strings.TrimSuffix(string(content), "\n"))
}

func (f Folder) pointTo(step int64) error {
	return replace.Durable(filepath.Join(f.Path, latestFile), []byte(stepName(step)+"\n"), replace.Shared)
}

// candidates are the steps to load from, in the order to try them: the one
// that the pointer names, those before it, newest first, and last those after
// it, which were cut off before they counted.
func (f Folder) candidates() ([]int64, error) {
	steps, err := f.Steps()
	slices.Reverse(steps)
	latest, known := f.latest()
	if !known {
		return steps, err
	}
	after := slices.IndexFunc(steps, func(step int64) bool { return step <= latest })
	if after < 0 {
		return steps, err
	}
	return slices.Concat(steps[after:], steps[:after]), err
}

// prune removes checkpoints that are neither among the newest nor the best.
// Those of later steps belong to a course that the run has left.
func (f Folder) prune(progress Progress) error {
	steps, err := f.Steps()
	if err != nil {
		return err
	}
	later, _ := slices.BinarySearch(steps, progress.Step+1)
	keep := f.Keep
	if keep <= 0 {
		keep = defaultKeep
	}
	kept := steps[max(0, later-keep):later]
	for _, step := range steps {
		best := progress.Best != nil && progress.Best.Step == step
		if !best && !slices.Contains(kept, step) {
			err = errors.Join(err, replace.RemoveDirectory(f.pathOf(step)))
		}
	}
	return err
}

// Tidy clears what a process that died has left of any step and of the pointer. Nobody
// else may be at work on the folder.
func (f Folder) Tidy() error {
	return errors.Join(replace.SweepDirectories(f.Path), replace.Sweep(filepath.Join(f.Path, latestFile)))
}
