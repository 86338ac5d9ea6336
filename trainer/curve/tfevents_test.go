package curve

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// golden are the records of testdata/tfevents.py.
var golden = []Record{
	{Step: 9, Epoch: 0.5, Time: begin.Add(time.Second), Training: &Training{
		Loss: Number(math.NaN()), LearningRate: 0.001, GradientNorm: 1.5, Temperature: 10, Bias: -10, ImagesPerSecond: 12.25,
	}},
	{Step: 300, Epoch: 1, Time: begin.Add(2 * time.Second), Validation: []Validation{
		{Language: "de", Direction: "text_to_image", N: 4, R1: 0.5, R5: 0.75, R10: 1, MRR: 0.625, MedianRank: 2},
	}},
}

var begin = time.Unix(1_700_000_000, 250_000_000).UTC()

// TestEventsAreThoseOfTensorBoard: byte for byte what its own writer makes.
func TestEventsAreThoseOfTensorBoard(t *testing.T) {
	folder := t.TempDir()
	events, err := createEvents(folder, 8, begin)
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	for _, record := range golden {
		if err := events.append(encodeEvent(record)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(filepath.Join(folder, "events.out.tfevents.1700000000.polylens"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/golden.tfevents")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%x\nwant\n%x", got, want)
	}
}

func TestEventFilesStandInOrder(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"curve.jsonl", "events.out.tfevents.1700000005.other.host.1", "events.out.tfevents.x"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		now  int64
		want string
	}{
		{1_700_000_000, "events.out.tfevents.1700000006.polylens"}, // the clock was set back
		{1_700_000_006, "events.out.tfevents.1700000007.polylens"}, // the same second
		{1_700_000_100, "events.out.tfevents.1700000100.polylens"},
	} {
		events, err := createEvents(folder, 0, time.Unix(step.now, 0))
		if err != nil {
			t.Fatal(err)
		}
		events.Close()
		if got := filepath.Base(events.Name()); got != step.want {
			t.Errorf("at %d: %s, want %s", step.now, got, step.want)
		}
	}
}

// point is one value as TensorBoard shows it.
type point struct {
	step  int64
	value float32
}

// charts reads the event files of a folder as TensorBoard does.
func charts(t *testing.T, folder string) map[string][]point {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*tfevents*"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(paths)
	shown := make(map[string][]point)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for len(data) > 0 {
			event, rest := unframe(t, data)
			show(t, shown, event)
			data = rest
		}
	}
	return shown
}

// unframe takes one framed event; one that is not whole ends the file.
func unframe(t *testing.T, data []byte) (event, rest []byte) {
	t.Helper()
	if len(data) < 12 {
		return nil, nil
	}
	length := binary.LittleEndian.Uint64(data)
	if binary.LittleEndian.Uint32(data[8:]) != maskedChecksum(data[:8]) {
		t.Fatal("the checksum of a length is wrong")
	}
	if uint64(len(data)) < 16+length {
		return nil, nil
	}
	event, rest = data[12:12+length], data[12+length:]
	if binary.LittleEndian.Uint32(rest) != maskedChecksum(event) {
		t.Fatal("the checksum of an event is wrong")
	}
	return event, rest[4:]
}

// show does to the charts what an event says.
func show(t *testing.T, shown map[string][]point, event []byte) {
	t.Helper()
	fields := parse(t, event)
	step := int64(0)
	if fields[2] != nil {
		value, _ := protowire.ConsumeVarint(fields[2][0])
		step = int64(value)
	}
	if fields[7] != nil { // a session's start
		for name, points := range shown {
			shown[name] = slices.DeleteFunc(points, func(p point) bool { return p.step >= step })
		}
	}
	if fields[5] == nil {
		return
	}
	for _, text := range parse(t, fields[5][0])[1] {
		value := parse(t, text)
		bits, _ := protowire.ConsumeFixed32(value[2][0])
		name := string(value[1][0])
		shown[name] = append(shown[name], point{step, math.Float32frombits(bits)})
	}
}

// parse splits a message into its fields: bytes without their length, numbers
// as encoded.
func parse(t *testing.T, m []byte) map[protowire.Number][][]byte {
	t.Helper()
	fields := make(map[protowire.Number][][]byte)
	for len(m) > 0 {
		number, kind, n := protowire.ConsumeTag(m)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		m = m[n:]
		length := protowire.ConsumeFieldValue(number, kind, m)
		if length < 0 {
			t.Fatal(protowire.ParseError(length))
		}
		value := m[:length]
		if kind == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(m)
		}
		fields[number] = append(fields[number], value)
		m = m[length:]
	}
	return fields
}
