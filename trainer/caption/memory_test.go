package caption

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"testing"
)

// TestPartsBoundMemory: what a step takes beside parameters does not grow with
// the vocabulary when it is scored in parts.
func TestPartsBoundMemory(t *testing.T) {
	const vocabulary = 60_000
	parts, whole := peak(t, vocabulary/30, vocabulary), peak(t, vocabulary, vocabulary)
	t.Logf("a step takes %d MiB in 30 parts, %d MiB in one", parts>>20, whole>>20)
	if parts > whole/4 {
		t.Error("parts save too little")
	}
}

// peak is the most memory that a step takes, in bytes, beside what the learner
// holds already.
func peak(t *testing.T, part int64, vocabulary int) int64 {
	t.Helper()
	w := newToy(t, Config{Weight: 1, Boxes: true, Part: part}, vocabulary)
	w.examples = nil
	for i := range toyExamples {
		w.examples = append(w.examples, Example{Text: strings.Repeat("ab c", 20), Box: &Box{0, 0, float64(i+1) / 10, 1}})
	}
	l, err := w.open(t, "full", nil)
	if err != nil {
		t.Fatal(err)
	}
	batch := w.batch(t, l, 1)
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		t.Skipf("the peak of memory cannot be measured here: %v", err)
	}
	held := memory(t, "VmRSS:")
	if _, err := l.Step(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	return memory(t, "VmHWM:") - held
}

// memory is a value of /proc/self/status in bytes.
func memory(t *testing.T, name string) int64 {
	t.Helper()
	content, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(content), name)
	var kilobytes int64
	if _, err := fmt.Sscanf(rest, "%d kB", &kilobytes); err != nil {
		t.Fatal(name, err)
	}
	return kilobytes << 10
}
