package ort

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	onnx "github.com/yalue/onnxruntime_go"
)

// Port is an input or output of a model: its name, its shape with negative
// numbers where any size will do, and whether it holds int64 instead of float32.
type Port struct {
	Name  string
	Shape []int64
	Ints  bool
}

func (p Port) accepts(shape []int64) error {
	fits := len(shape) == len(p.Shape)
	for i := 0; fits && i < len(shape); i++ {
		fits = shape[i] > 0 && (p.Shape[i] < 0 || p.Shape[i] == shape[i])
	}
	if !fits {
		return fmt.Errorf("input %q has shape %v, the model takes %v", p.Name, shape, p.Shape)
	}
	return nil
}

// Model is what a session runs.
type Model struct {
	Graph   []byte // an encoded ONNX ModelProto
	Folder  string // where the graph's external data lies; "" if it has none
	Inputs  []Port
	Outputs []Port
}

// Options tune a session.
type Options struct {
	// Threads work on one Run together; 0 takes GOMAXPROCS. The library's own
	// default would count the host's cores, whatever the container may use.
	Threads int
	// Spin lets idle threads wait busily. It shortens a lone Run a little and
	// takes the cores away from everything else.
	Spin bool
}

// Session is a loaded model. Any number of goroutines may Run it at once.
type Session struct {
	model   Model
	running sync.RWMutex // read-held by Run, so that Close waits for it
	session *onnx.DynamicAdvancedSession
}

// NewSession loads a model.
func (e *Environment) NewSession(model Model, options Options) (*Session, error) {
	settings, err := e.settings(model.Folder, options)
	if err != nil {
		return nil, fmt.Errorf("configuring ONNX Runtime: %w", err)
	}
	defer free(settings)
	session, err := onnx.NewDynamicAdvancedSessionWithONNXData(model.Graph, names(model.Inputs), names(model.Outputs), settings)
	if err != nil {
		return nil, fmt.Errorf("loading the model into ONNX Runtime: %w", err)
	}
	return &Session{model: model, session: session}, nil
}

func (e *Environment) settings(folder string, options Options) (*onnx.SessionOptions, error) {
	settings, err := onnx.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	threads := options.Threads
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	spin := "0"
	if options.Spin {
		spin = "1"
	}
	entries := map[string]string{"session.intra_op.allow_spinning": spin}
	if folder != "" {
		entries["session.model_external_initializers_file_folder_path"] = folder
	}
	errs := []error{settings.SetIntraOpNumThreads(threads), settings.SetInterOpNumThreads(1)}
	for key, value := range entries {
		errs = append(errs, settings.AddSessionConfigEntry(key, value))
	}
	if err := errors.Join(errs...); err != nil {
		free(settings)
		return nil, fmt.Errorf("%d threads, folder %q: %w", threads, folder, err)
	}
	return settings, nil
}

func names(ports []Port) []string {
	list := make([]string, len(ports))
	for i, port := range ports {
		list[i] = port.Name
	}
	return list
}

// Run computes the outputs for inputs in the order of the model's ports. It
// ends early with the context's error when the context ends.
func (s *Session) Run(ctx context.Context, inputs ...Tensor) ([]Tensor, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(inputs) != len(s.model.Inputs) {
		return nil, fmt.Errorf("%d inputs are given, the model takes %d", len(inputs), len(s.model.Inputs))
	}
	for i, input := range inputs {
		if err := input.check(s.model.Inputs[i]); err != nil {
			return nil, err
		}
	}
	s.running.RLock()
	defer s.running.RUnlock()
	if s.session == nil {
		return nil, errors.New("the session is closed")
	}
	return s.run(ctx, inputs)
}

func (s *Session) run(ctx context.Context, inputs []Tensor) ([]Tensor, error) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	values := make([]onnx.Value, 0, len(inputs))
	defer func() { destroy(values) }()
	for _, input := range inputs {
		value, err := input.value(&pinner)
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	results := make([]onnx.Value, len(s.model.Outputs))
	defer func() { destroy(results) }()
	if err := s.runUntil(ctx, values, results); err != nil {
		return nil, err
	}
	return s.takeAll(results)
}

// runUntil calls the library and tells it to stop when the context ends.
func (s *Session) runUntil(ctx context.Context, inputs, outputs []onnx.Value) error {
	options, err := onnx.NewRunOptions()
	if err != nil {
		return err
	}
	defer free(options)
	told := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(told)
		_ = options.Terminate() // fails only on destroyed options, and Destroy waits below
	})
	err = s.session.RunWithOptions(inputs, outputs, options)
	if !stop() {
		<-told
		if err != nil {
			return ctx.Err()
		}
	}
	if err != nil {
		return fmt.Errorf("ONNX Runtime: %w", err)
	}
	return nil
}

func (s *Session) takeAll(results []onnx.Value) ([]Tensor, error) {
	tensors := make([]Tensor, len(results))
	for i, result := range results {
		tensor, err := take(s.model.Outputs[i], result)
		if err != nil {
			return nil, err
		}
		tensors[i] = tensor
	}
	return tensors, nil
}

func destroy(values []onnx.Value) {
	for _, value := range values {
		if value != nil {
			free(value)
		}
	}
}

// free destroys what the library holds. That fails only on what is destroyed
// already, which cannot happen to what one function creates and frees.
func free(held interface{ Destroy() error }) { _ = held.Destroy() }

// Close waits for running calls and frees the model. Closing twice is fine.
func (s *Session) Close() error {
	s.running.Lock()
	defer s.running.Unlock()
	if s.session == nil {
		return nil
	}
	err := s.session.Destroy()
	s.session = nil
	return err
}
