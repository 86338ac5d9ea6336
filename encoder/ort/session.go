package ort

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	onnx "github.com/yalue/onnxruntime_go"
)

// Model is what a session runs: a graph in memory or a file.
type Model struct {
	Graph  []byte // an encoded ONNX ModelProto
	Folder string // where the graph's external data lies; "" if it has none
	// Path is a file to load where Graph is nil. Its external data lies beside it.
	Path string

	Inputs []Port
	// Outputs may leave out any that the model has and nobody will want.
	Outputs []Port
}

// Session is a loaded model. Any number of goroutines may Run it at once.
type Session struct {
	inputs, outputs []Port
	device          device
	scratch         scratch
	running         sync.RWMutex // read-held by Run, so that Close waits for it
	session         *onnx.DynamicAdvancedSession
}

// NewSession loads a model. It is an error if a device that the options name is not
// available: nothing falls back to the processor silently.
func (e *Environment) NewSession(model Model, options Options) (*Session, error) {
	if err := checkPorts(model.Inputs, model.Outputs); err != nil {
		return nil, err
	}
	device, err := e.deviceOf(options.Device)
	if err != nil {
		return nil, err
	}
	var session *Session
	device.around(func() { session, err = e.open(model, device, options) })
	if err != nil {
		return nil, fmt.Errorf("loading the model into ONNX Runtime on %s: %w", device, err)
	}
	return session, nil
}

func (e *Environment) open(model Model, device device, options Options) (*Session, error) {
	settings, err := options.settings(model.Folder)
	if err != nil {
		return nil, err
	}
	defer free(settings)
	if err := device.appendTo(settings, options); err != nil {
		return nil, e.explain(device, err)
	}
	session, err := model.open(settings)
	if err != nil {
		return nil, err
	}
	return &Session{inputs: model.Inputs, outputs: model.Outputs, device: device, session: session}, nil
}

func (m Model) open(settings *onnx.SessionOptions) (*onnx.DynamicAdvancedSession, error) {
	inputs, outputs := names(m.Inputs), names(m.Outputs)
	if m.Graph == nil {
		return onnx.NewDynamicAdvancedSession(m.Path, inputs, outputs, settings)
	}
	return onnx.NewDynamicAdvancedSessionWithONNXData(m.Graph, inputs, outputs, settings)
}

// Device is what the session computes on, as Options.Device names it.
func (s *Session) Device() string { return s.device.String() }

// Run computes all outputs for inputs in the order of the model's ports. It
// ends early with the context's error when the context ends.
func (s *Session) Run(ctx context.Context, inputs ...Tensor) ([]Tensor, error) {
	return s.RunSome(ctx, nil, inputs...)
}

// RunSome is Run for the wanted outputs: the others are left empty and cost nothing
// beyond their computation. wanted has one entry for each output; nil wants them all.
func (s *Session) RunSome(ctx context.Context, wanted []bool, inputs ...Tensor) ([]Tensor, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.check(wanted, inputs); err != nil {
		return nil, err
	}
	s.running.RLock()
	defer s.running.RUnlock()
	if s.session == nil {
		return nil, errors.New("the session is closed")
	}
	return s.run(ctx, wanted, inputs)
}

// RunInto is Run into memory of the caller: outputs has a tensor for each output of
// the model, in the order of the ports and with their shapes, which the run fills. An
// output may be the very memory of an input, where the graph has read that input
// everywhere else before it writes the output: this is how weights are updated in
// place. All ports hold float32 or int64.
func (s *Session) RunInto(ctx context.Context, inputs, outputs []Tensor) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.checkInto(inputs, outputs); err != nil {
		return err
	}
	s.running.RLock()
	defer s.running.RUnlock()
	if s.session == nil {
		return errors.New("the session is closed")
	}
	var pinner runtime.Pinner
	defer pinner.Unpin()
	given, err := tensorValues(s.inputs, inputs, &pinner)
	defer func() { destroy(given) }()
	if err != nil {
		return err
	}
	results, err := tensorValues(s.outputs, outputs, &pinner)
	defer func() { destroy(results) }()
	if err != nil {
		return err
	}
	return s.runUntil(ctx, given, results)
}

func (s *Session) checkInto(inputs, outputs []Tensor) error {
	if err := s.check(nil, inputs); err != nil {
		return err
	}
	if len(outputs) != len(s.outputs) {
		return fmt.Errorf("memory for %d outputs is given, the model has %d", len(outputs), len(s.outputs))
	}
	for i, output := range outputs {
		port := s.outputs[i]
		if port.element() != Float32 && port.element() != Int64 {
			return fmt.Errorf("output %q holds %v, which cannot be received in place", port.Name, port.element())
		}
		if err := output.check(port); err != nil {
			return fmt.Errorf("memory of an output: %w", err)
		}
	}
	return nil
}

func (s *Session) check(wanted []bool, inputs []Tensor) error {
	if len(inputs) != len(s.inputs) {
		return fmt.Errorf("%d inputs are given, the model takes %d", len(inputs), len(s.inputs))
	}
	if wanted != nil && len(wanted) != len(s.outputs) {
		return fmt.Errorf("%d outputs are wanted or not, the model has %d", len(wanted), len(s.outputs))
	}
	for i, input := range inputs {
		if err := input.check(s.inputs[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) run(ctx context.Context, wanted []bool, inputs []Tensor) ([]Tensor, error) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	given, err := tensorValues(s.inputs, inputs, &pinner)
	defer func() { destroy(given) }()
	if err != nil {
		return nil, err
	}
	results, err := s.results(batchOf(s.inputs, inputs), wanted, &pinner)
	defer func() {
		for i := range results {
			results[i].free(&s.scratch)
		}
	}()
	if err != nil {
		return nil, err
	}
	if err := s.compute(ctx, given, results); err != nil {
		return nil, err
	}
	return s.read(wanted, results)
}

func tensorValues(ports []Port, tensors []Tensor, pinner *runtime.Pinner) ([]onnx.Value, error) {
	values := make([]onnx.Value, 0, len(tensors))
	for i, tensor := range tensors {
		value, err := tensor.value(ports[i], pinner)
		if err != nil {
			return values, err
		}
		values = append(values, value)
	}
	return values, nil
}

// compute runs the model and notes the values that the library allocated.
func (s *Session) compute(ctx context.Context, inputs []onnx.Value, results []result) error {
	outputs := make([]onnx.Value, len(results))
	for i := range results {
		outputs[i] = results[i].value
	}
	err := s.runUntil(ctx, inputs, outputs)
	for i := range results {
		results[i].value = outputs[i]
	}
	return err
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

func (s *Session) read(wanted []bool, results []result) ([]Tensor, error) {
	tensors := make([]Tensor, len(results))
	for i := range results {
		if wanted != nil && !wanted[i] {
			continue
		}
		tensor, err := results[i].read(s.outputs[i])
		if err != nil {
			return nil, err
		}
		tensors[i] = tensor
	}
	return tensors, nil
}

func destroy(values []onnx.Value) {
	for _, value := range values {
		free(value)
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
	var err error
	s.device.around(func() { err = s.session.Destroy() })
	s.session = nil
	giveBack()
	return err
}
