package curve

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// openLines opens a file of records. Those up to step last stay.
func openLines(path string, last int64) (*file, error) {
	lines, err := create(path, 0)
	if err != nil {
		return nil, err
	}
	size, err := wholeUntil(lines, last)
	if err == nil {
		err = lines.cut(size)
	}
	if err != nil {
		return nil, errors.Join(err, lines.Close())
	}
	return lines, nil
}

// wholeUntil answers how many bytes the records up to step last fill. It stops
// at the first line that is no record: what a power failure tore is the end of
// what was never synced, and hence later than any checkpoint.
func wholeUntil(lines io.Reader, last int64) (int64, error) {
	reader := bufio.NewReader(lines)
	size := int64(0)
	for {
		line, err := reader.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF): // what precedes it is a torn line
			return size, nil
		case err != nil:
			return 0, fmt.Errorf("read curve: %w", err)
		}
		step, ok := stepOf(line)
		if !ok || step > last {
			return size, nil
		}
		size += int64(len(line))
	}
}

// stepOf reads the step of a line, if it is a record.
func stepOf(line []byte) (step int64, ok bool) {
	var record struct {
		Step *int64 `json:"step"`
	}
	if json.Unmarshal(line, &record) != nil || record.Step == nil {
		return 0, false
	}
	return *record.Step, true
}

func encodeLine(record Record) ([]byte, error) {
	line, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("write curve at step %d: %w", record.Step, err)
	}
	return append(line, '\n'), nil
}
