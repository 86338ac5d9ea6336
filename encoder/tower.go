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

// session is a model for ONNX Runtime that is loaded on first use.
type session struct {
	environment *ort.Environment
	model       ort.Model
	options     ort.Options

	mutex  sync.Mutex // guards what follows
	loaded *ort.Session
	closed bool
}

// graphModel makes a composed graph, whose weights lie in folder, a model to load.
func graphModel(g *graph.Graph, folder string) ort.Model {
	return ort.Model{Graph: g.Encode(), Folder: folder, Inputs: ports(g.Inputs), Outputs: ports(g.Outputs)}
}

func ports(values []*graph.Value) []ort.Port {
	list := make([]ort.Port, len(values))
	for i, value := range values {
		list[i] = ort.Port{Name: value.Name, Shape: value.Shape, Type: ort.ElementType(value.DType)}
	}
	return list
}

// load returns the session. A load that failed is tried again by the next call.
func (s *session) load() (*ort.Session, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.closed {
		return nil, errors.New("the model is closed")
	}
	if s.loaded == nil {
		loaded, err := s.environment.NewSession(s.model, s.options)
		if err != nil {
			return nil, err
		}
		s.loaded = loaded
	}
	return s.loaded, nil
}

// run computes the embeddings alone, the first output.
func (s *session) run(ctx context.Context, inputs ...ort.Tensor) ([]ort.Tensor, error) {
	loaded, err := s.load()
	if err != nil {
		return nil, err
	}
	wanted := make([]bool, len(s.model.Outputs))
	wanted[0] = true
	return loaded.RunSome(ctx, wanted, inputs...)
}

// runAll computes every output.
func (s *session) runAll(ctx context.Context, inputs ...ort.Tensor) ([]ort.Tensor, error) {
	loaded, err := s.load()
	if err != nil {
		return nil, err
	}
	return loaded.Run(ctx, inputs...)
}

func (s *session) close() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.closed = true
	if s.loaded == nil {
		return nil
	}
	return s.loaded.Close()
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
