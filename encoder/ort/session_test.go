package ort_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
	"polylens/internal/needs"
)

func environment(t testing.TB) *ort.Environment {
	t.Helper()
	environment, err := ort.Open(needs.ONNXRuntime(t))
	if err != nil {
		t.Fatal(err)
	}
	return environment
}

// powers is a model that multiplies x [B, 64, 64] by itself often enough for a
// Run to take a while.
func powers(t testing.TB, times int) ort.Model {
	t.Helper()
	built, err := graph.Build("powers", func(g *graph.Graph) {
		x := g.Input("x", graph.Float32, graph.Batch, 64, 64)
		y := x
		for range times {
			y = graph.MatMul(y, x)
		}
		g.Output("y", y)
	})
	if err != nil {
		t.Fatal(err)
	}
	port := func(name string) []ort.Port { return []ort.Port{{Name: name, Shape: []int64{-1, 64, 64}}} }
	return ort.Model{Graph: built.Encode(), Inputs: port("x"), Outputs: port("y")}
}

func identity(batch int64) ort.Tensor {
	values := make([]float32, batch*64*64)
	for b := range batch {
		for i := range int64(64) {
			values[b*64*64+i*65] = 1
		}
	}
	return ort.Floats(values, batch, 64, 64)
}

func open(t testing.TB, times int) *ort.Session {
	t.Helper()
	session, err := environment(t).NewSession(powers(t, times), ort.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	return session
}

func TestRunFromManyGoroutines(t *testing.T) {
	session := open(t, 3)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for batch := int64(1); batch < 5; batch++ {
				input := identity(batch)
				results, err := session.Run(t.Context(), input)
				if err != nil || !slices.Equal(results[0].Floats, input.Floats) || !slices.Equal(results[0].Shape, input.Shape) {
					t.Errorf("batch %d: the power of the identity is not the identity: %v", batch, err)
				}
			}
		})
	}
	group.Wait()
}

func TestRunRefusesWrongInputs(t *testing.T) {
	session := open(t, 1)
	tests := []struct {
		name   string
		inputs []ort.Tensor
		want   string
	}{
		{"none", nil, "0 inputs are given"},
		{"empty batch", []ort.Tensor{ort.Floats(nil, 0, 64, 64)}, "the model takes"},
		{"wrong dimension", []ort.Tensor{ort.Floats(make([]float32, 64*63), 1, 64, 63)}, "[1 64 63]"},
		{"wrong rank", []ort.Tensor{ort.Floats(make([]float32, 64), 64)}, "the model takes"},
		{"too few values", []ort.Tensor{ort.Floats(make([]float32, 5), 1, 64, 64)}, "5 values do not fill"},
		{"wrong type", []ort.Tensor{ort.Ints(make([]int64, 64*64), 1, 64, 64)}, "do not fill"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := session.Run(t.Context(), test.inputs...); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v does not say %q", err, test.want)
			}
		})
	}
}

func TestRunStopsWithItsContext(t *testing.T) {
	session := open(t, 4000)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := session.Run(ctx, identity(100))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("error %v after %v, want the deadline", err, time.Since(start))
	}
	if _, err := session.Run(ctx, identity(1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a dead context ran: %v", err)
	}
	if _, err := session.Run(t.Context(), identity(1)); err != nil {
		t.Errorf("the session does not survive a canceled run: %v", err)
	}
}

func TestCloseWaitsAndRefuses(t *testing.T) {
	session := open(t, 100)
	var group sync.WaitGroup
	group.Go(func() {
		for range 50 {
			if _, err := session.Run(t.Context(), identity(2)); err != nil {
				return // closed
			}
		}
	})
	time.Sleep(5 * time.Millisecond)
	if err := errors.Join(session.Close(), session.Close()); err != nil {
		t.Error(err)
	}
	group.Wait()
	if _, err := session.Run(t.Context(), identity(1)); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("a closed session answers %v", err)
	}
}

func TestOpenErrorsSayWhatToDo(t *testing.T) {
	environment(t)
	other := filepath.Join(t.TempDir(), "libonnxruntime.so")
	if err := os.WriteFile(other, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ library, want string }{
		{"", "polylens setup"},
		{filepath.Join(t.TempDir(), "none.so"), "--onnxruntime PATH"},
		{t.TempDir(), "--onnxruntime PATH"},
		{other, "already loaded"},
	}
	for _, test := range tests {
		if _, err := ort.Open(test.library); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Open(%q) answers %v, want %q", test.library, err, test.want)
		}
	}
}

func TestBrokenModelIsAnError(t *testing.T) {
	if _, err := environment(t).NewSession(ort.Model{Graph: []byte("nonsense")}, ort.Options{}); err == nil {
		t.Error("nonsense was loaded as a model")
	}
}

// TestNothingLeaks opens sessions and runs them many times; resident memory,
// threads and goroutines stay where they are after the first rounds.
func TestNothingLeaks(t *testing.T) {
	environment(t)
	round := func() {
		session := open(t, 2)
		for range 20 {
			if _, err := session.Run(t.Context(), identity(16)); err != nil {
				t.Fatal(err)
			}
		}
		session.Close()
	}
	for range 10 {
		round()
	}
	runtime.GC()
	memory, threads, goroutines := status(t, "VmRSS"), status(t, "Threads"), runtime.NumGoroutine()
	for range 60 {
		round()
	}
	runtime.GC()
	if grown := status(t, "VmRSS") - memory; grown > 30_000 { // one leaked batch per run would be 300 MB
		t.Errorf("resident memory grew by %d kB", grown)
	}
	if now := status(t, "Threads"); now > threads+4 {
		t.Errorf("threads grew from %d to %d", threads, now)
	}
	if now := runtime.NumGoroutine(); now > goroutines+2 {
		t.Errorf("goroutines grew from %d to %d", goroutines, now)
	}
}

// status reads a number of /proc/self/status.
func status(t *testing.T, field string) int {
	t.Helper()
	content, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("this system has no /proc/self/status")
	}
	for line := range strings.Lines(string(content)) {
		if rest, found := strings.CutPrefix(line, field+":"); found {
			number, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return number
		}
	}
	t.Fatalf("/proc/self/status lacks %s", field)
	return 0
}
