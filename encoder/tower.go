package encoder

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
)

// tower is one half of the model, loaded on first use.
type tower struct {
	environment *ort.Environment
	model       ort.Model
	threads     int

	mutex   sync.Mutex // guards what follows
	session *ort.Session
	closed  bool
}

func newTower(environment *ort.Environment, g *graph.Graph, folder string, threads int) *tower {
	model := ort.Model{Graph: g.Encode(), Folder: folder, Inputs: ports(g.Inputs), Outputs: ports(g.Outputs)}
	return &tower{environment: environment, model: model, threads: threads}
}

func ports(values []*graph.Value) []ort.Port {
	list := make([]ort.Port, len(values))
	for i, value := range values {
		list[i] = ort.Port{Name: value.Name, Shape: value.Shape, Ints: value.DType == graph.Int64}
	}
	return list
}

// load returns the session. A load that failed is tried again by the next call.
func (t *tower) load() (*ort.Session, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.closed {
		return nil, errors.New("the model is closed")
	}
	if t.session == nil {
		session, err := t.environment.NewSession(t.model, ort.Options{Threads: t.threads})
		if err != nil {
			return nil, err
		}
		t.session = session
	}
	return t.session, nil
}

// run returns the unit vectors of a batch.
func (t *tower) run(ctx context.Context, batch ort.Tensor) ([][]float32, error) {
	session, err := t.load()
	if err != nil {
		return nil, err
	}
	results, err := session.Run(ctx, batch)
	if err != nil {
		return nil, err
	}
	return split(results[0])
}

// split cuts the rows of [B, D] apart and demands that each is a unit vector:
// broken weights or pixels end here and not in an index.
func split(embeddings ort.Tensor) ([][]float32, error) {
	rows, width := int(embeddings.Shape[0]), int(embeddings.Shape[1])
	vectors := make([][]float32, rows)
	for i := range vectors {
		vectors[i] = embeddings.Floats[i*width : (i+1)*width : (i+1)*width]
		if length := norm(vectors[i]); !(math.Abs(length-1) < 1e-3) {
			return nil, fmt.Errorf("item %d of the batch has a vector of length %v instead of 1: its input or the model's weights are broken", i, length)
		}
	}
	return vectors, nil
}

func norm(vector []float32) float64 {
	var sum float64
	for _, x := range vector {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}

func (t *tower) close() error {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.closed = true
	if t.session == nil {
		return nil
	}
	return t.session.Close()
}
