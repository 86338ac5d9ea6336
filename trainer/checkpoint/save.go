package checkpoint

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// Save writes a checkpoint of the step that progress names, lets "latest" name
// it, and removes those that are no longer kept. The state is read as it is
// written: it must not change meanwhile.
//
// Whatever interrupts it, the previous checkpoint is still there and valid. An error
// is a *SpaceError, wrapped, where the disk is full. Values that are not finite are
// refused, as are sections whose tensors do not fill their shapes.
func (f Folder) Save(ctx context.Context, progress Progress, state []Section) error {
	if err := f.save(ctx, progress, state); err != nil {
		return fmt.Errorf("the checkpoint of step %d was not written%s: %w", progress.Step, f.stands(progress.Step), err)
	}
	if err := f.prune(progress); err != nil {
		return fmt.Errorf("the checkpoint of step %d is written, but an old one cannot be removed: %w", progress.Step, err)
	}
	return nil
}

// stands says what is left after a failure.
func (f Folder) stands(failed int64) string {
	if step, ok := f.latest(); ok && step != failed {
		return fmt.Sprintf(" (that of step %d stands)", step)
	}
	return ""
}

func (f Folder) save(ctx context.Context, progress Progress, state []Section) error {
	if err := progress.check(); err != nil {
		return err
	}
	needed, err := stateBytes(state)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(f.Path, 0o755); err != nil {
		return err
	}
	if err := f.Tidy(); err != nil {
		return err
	}
	if err := CheckSpace(f.Path, needed); err != nil {
		return err
	}
	err = makeDirectory(f.pathOf(progress.Step), func(dir string) error {
		return writeState(ctx, dir, progress, state)
	})
	if err == nil {
		err = f.pointTo(progress.Step)
	}
	return explainSpace(err, f.Path, needed)
}

// stateBytes is what a state takes on the disk.
func stateBytes(state []Section) (int64, error) {
	var total int64
	seen := map[string]bool{}
	for _, section := range state {
		if err := section.check(); err != nil {
			return 0, err
		}
		if seen[section.Name] {
			return 0, fmt.Errorf("section %q is given twice", section.Name)
		}
		seen[section.Name] = true
		bytes, err := section.bytes()
		if err != nil {
			return 0, fmt.Errorf("%s: %w", section.Name, err)
		}
		total += bytes
	}
	return total, nil
}

// writeState writes the files of a checkpoint, the manifest last.
func writeState(ctx context.Context, dir string, progress Progress, state []Section) error {
	listed := manifest{Version: manifestVersion}
	for _, section := range state {
		stamp, err := writeFile(ctx, filepath.Join(dir, section.file()), section.write)
		if err != nil {
			return err
		}
		listed.Files = append(listed.Files, stamp)
	}
	stamp, err := writeJSON(ctx, filepath.Join(dir, progressFile), progress)
	if err != nil {
		return err
	}
	listed.Files = append(listed.Files, stamp)
	_, err = writeJSON(ctx, filepath.Join(dir, manifestFile), listed)
	return err
}

func writeJSON(ctx context.Context, path string, value any) (stampedFile, error) {
	content, err := encode(value)
	if err != nil {
		return stampedFile{}, err
	}
	return writeContent(ctx, path, content)
}
