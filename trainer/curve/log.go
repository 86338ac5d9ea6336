package curve

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// LinesName is the file of records in a run's folder.
const LinesName = "curve.jsonl"

// Log writes the curves of one run. Its methods must not be called concurrently.
type Log struct {
	lines  *file
	events *file
	last   int64 // step of the last record
}

// Create begins the curves of a run in a folder, which is created if missing.
// Those of an earlier attempt are dropped.
func Create(folder string) (*Log, error) { return open(folder, 0, -1) }

// Resume goes on with the curves in a folder from a checkpoint of a step: records of
// later steps, and a record that was never written whole, are dropped. TensorBoard
// drops them too, because the new event file tells it to.
func Resume(folder string, step int64) (*Log, error) {
	if step < 0 {
		return nil, fmt.Errorf("resume curve in %s: step %d is negative", folder, step)
	}
	return open(folder, step+1, step)
}

// open begins a session of which the first own step is first.
func open(folder string, first, last int64) (*Log, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("open curve: %w", err)
	}
	lines, err := openLines(filepath.Join(folder, LinesName), last)
	if err != nil {
		return nil, err
	}
	events, err := createEvents(folder, first, time.Now())
	if err != nil {
		return nil, errors.Join(err, lines.Close())
	}
	return &Log{lines: lines, events: events, last: last}, nil
}

// Append adds a record. Its step must not be below that of the record before,
// nor of the checkpoint that the run goes on from. After an error the record
// may stand in one of the files; the log can be used further.
func (l *Log) Append(record Record) error {
	if record.Step < max(l.last, 0) {
		return fmt.Errorf("write curve: step %d comes after step %d, but steps never decrease", record.Step, max(l.last, 0))
	}
	line, err := encodeLine(record)
	if err != nil {
		return err
	}
	if err := errors.Join(l.lines.append(line), l.events.append(encodeEvent(record))); err != nil {
		return err
	}
	l.last = record.Step
	return nil
}

// Sync returns once the disk holds every record.
func (l *Log) Sync() error {
	if err := errors.Join(l.lines.Sync(), l.events.Sync()); err != nil {
		return fmt.Errorf("sync curve: %w", err)
	}
	return nil
}

// Close syncs and closes the files.
func (l *Log) Close() error { return errors.Join(l.Sync(), l.lines.Close(), l.events.Close()) }
