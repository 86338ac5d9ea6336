package curve

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// The field numbers below are those of tensorflow/core/util/event.proto and
// tensorflow/core/framework/summary.proto.

// eventsVersion is the first event of every file. From version 2 on a session's
// start drops what earlier files tell of its step and later ones.
const eventsVersion = "brain.Event:2"

// Event files are named as TensorBoard expects: it looks for "tfevents" and
// reads the files of a folder in the order of their names.
const (
	eventsPrefix = "events.out.tfevents."
	eventsSuffix = ".polylens"
)

// createEvents begins an event file, later in order than those that are there,
// for a session whose first record is of step first or later.
func createEvents(folder string, first int64, now time.Time) (*file, error) {
	path, err := nextEvents(folder, now)
	if err != nil {
		return nil, err
	}
	events, err := create(path, os.O_EXCL)
	if err != nil {
		return nil, err
	}
	beginning := appendFrame(nil, event(now, 0).text(3, eventsVersion))
	beginning = appendFrame(beginning, event(now, first).embed(7, message{}.integer(1, sessionStart)))
	if err := events.append(beginning); err != nil {
		return nil, errors.Join(err, events.Close(), os.Remove(path))
	}
	return events, nil
}

// nextEvents names a file after the second in which it is begun, or a later one
// where a session began within the same second or the clock was set back.
func nextEvents(folder string, now time.Time) (string, error) {
	there, err := os.ReadDir(folder)
	if err != nil {
		return "", fmt.Errorf("look for event files: %w", err)
	}
	second := now.Unix()
	for _, entry := range there {
		name, ok := strings.CutPrefix(entry.Name(), eventsPrefix)
		digits, _, _ := strings.Cut(name, ".")
		if taken, err := strconv.ParseInt(digits, 10, 64); ok && err == nil {
			second = max(second, taken+1)
		}
	}
	return filepath.Join(folder, fmt.Sprintf("%s%010d%s", eventsPrefix, second, eventsSuffix)), nil
}

// encodeEvent writes the values of a record as one event, framed.
func encodeEvent(record Record) []byte {
	var summary message
	values := record.Values()
	for _, name := range names(values) {
		summary = summary.embed(1, message{}.text(1, name).float(2, float32(values[name])))
	}
	return appendFrame(nil, event(record.Time, record.Step).embed(5, summary))
}

// sessionStart is SessionLog.START.
const sessionStart = 1

// event is the beginning that all events have in common. As in protobuf, a step
// of 0 is not written.
func event(wall time.Time, step int64) message {
	m := message{}.double(1, float64(wall.Unix())+float64(wall.Nanosecond())/1e9)
	if step == 0 {
		return m
	}
	return m.integer(2, step)
}

// message is a protobuf message being written.
type message []byte

func (m message) integer(field protowire.Number, value int64) message {
	m = protowire.AppendTag(m, field, protowire.VarintType)
	return protowire.AppendVarint(m, uint64(value))
}

func (m message) double(field protowire.Number, value float64) message {
	m = protowire.AppendTag(m, field, protowire.Fixed64Type)
	return protowire.AppendFixed64(m, math.Float64bits(value))
}

func (m message) float(field protowire.Number, value float32) message {
	m = protowire.AppendTag(m, field, protowire.Fixed32Type)
	return protowire.AppendFixed32(m, math.Float32bits(value))
}

func (m message) text(field protowire.Number, value string) message {
	m = protowire.AppendTag(m, field, protowire.BytesType)
	return protowire.AppendString(m, value)
}

func (m message) embed(field protowire.Number, value []byte) message {
	m = protowire.AppendTag(m, field, protowire.BytesType)
	return protowire.AppendBytes(m, value)
}
