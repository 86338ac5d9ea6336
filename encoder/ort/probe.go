package ort

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"polylens/encoder/graph"
)

// Availability says whether a device can be used, and in words why not.
type Availability struct {
	Device string // as Options.Device names it
	Usable bool
	Why    string // it is not usable, with the remedy; "" when it is
}

// kinds are the devices that Devices looks for.
var kinds = []device{{kind: CPU}, {kind: CUDA}, {kind: TensorRT}, {kind: CoreML}, {kind: OpenVINO}, {kind: OpenVINO, unit: "GPU"}}

// Providers are the devices that the library was built for, whether or not
// this machine has them, cpu first.
func (e *Environment) Providers() []string {
	var offered []string
	for _, device := range kinds {
		if device.unit == "" && e.offers(device) {
			offered = append(offered, device.String())
		}
	}
	return offered
}

// offers reports whether the library was built for a device. The binding
// cannot ask for the list, so the provider is added to settings nobody uses.
func (e *Environment) offers(device device) (offered bool) {
	device.around(func() {
		settings, err := Options{}.settings("")
		if err != nil {
			return
		}
		defer free(settings)
		err = device.appendTo(settings, Options{})
		offered = err == nil || !e.lacks(device, err)
	})
	return offered
}

// Devices looks at every kind of device and computes something on it. It ends
// early with the context's error when the context ends, between two devices.
func (e *Environment) Devices(ctx context.Context) ([]Availability, error) {
	list := make([]Availability, 0, len(kinds))
	for _, device := range kinds {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		found := Availability{Device: device.String(), Usable: true}
		if err := e.try(ctx, device); err != nil {
			found.Usable, found.Why = false, err.Error()
		}
		list = append(list, found)
	}
	return list, nil
}

// Choose is the device that name stands for, and why in words. "auto" takes CUDA
// where it can be used, else the processor: TensorRT spends minutes on building
// engines, and CoreML and OpenVINO take only parts of some models, so these have to
// be named. Any other name is tried, and an error says why it cannot be used.
func (e *Environment) Choose(ctx context.Context, name string) (chosen, why string, err error) {
	if name == Auto {
		err := e.try(ctx, device{kind: CUDA})
		if err == nil {
			return CUDA, "the best that can be used", nil
		}
		return CPU, fmt.Sprintf("cuda cannot be used: %v", err), ctx.Err()
	}
	device, err := parseDevice(name)
	if err != nil {
		return "", "", err
	}
	if err := e.try(ctx, device); err != nil {
		return "", "", fmt.Errorf("computing on %s: %w", device, err)
	}
	if name == "" {
		return device.String(), "no other is asked for", nil
	}
	return device.String(), "asked for", nil
}

func (e *Environment) deviceOf(name string) (device, error) {
	if name == Auto {
		chosen, _, err := e.Choose(context.Background(), Auto)
		return device{kind: chosen}, err
	}
	return parseDevice(name)
}

// try computes a small product on a device: a provider that loads may still
// find no hardware.
func (e *Environment) try(ctx context.Context, device device) error {
	built, err := graph.Build("probe", func(g *graph.Graph) {
		x := g.Input("x", graph.Float32, 1, 2)
		g.Output("y", graph.MatMul(x, g.Floats(graph.Shape{2, 1}, 3, 4)))
	})
	if err != nil {
		return err
	}
	model := Model{
		Graph:  built.Encode(),
		Inputs: []Port{{Name: "x", Shape: []int64{1, 2}}}, Outputs: []Port{{Name: "y", Shape: []int64{1, 1}}},
	}
	var session *Session
	device.around(func() { session, err = e.open(model, device, Options{Threads: 1}) })
	if err != nil {
		return err
	}
	results, err := session.Run(ctx, Floats([]float32{5, 6}, 1, 2))
	if err = errors.Join(err, session.Close()); err != nil {
		return err
	}
	if got := results[0].Floats[0]; got < 38.5 || got > 39.5 {
		return fmt.Errorf("it computes 5*3 + 6*4 as %v: use another device", got)
	}
	return nil
}

// packages hold a library that has a device.
var packages = map[string]string{
	CUDA:     "the Python package onnxruntime-gpu",
	TensorRT: "the Python package onnxruntime-gpu",
	CoreML:   "the Python package onnxruntime for macOS",
	OpenVINO: "the Python package onnxruntime-openvino",
}

// lacks reports whether err, met on adding a device's provider, means that the
// library was not built for the device.
func (e *Environment) lacks(device device, err error) bool {
	for _, words := range []string{"not enabled in this build", "not supported in this build", "does not support CoreML"} {
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return providerFile[device.kind] != "" && !e.hasProvider(device.kind)
}

// explain says why a device's provider could not be added, and what to do. The
// library itself writes this to its log only.
func (e *Environment) explain(device device, err error) error {
	if e.lacks(device, err) {
		return fmt.Errorf("this ONNX Runtime library was built without it: name another with --onnxruntime; the one in %s has it",
			packages[device.kind])
	}
	if missing := e.missing(device.kind); len(missing) > 0 {
		return fmt.Errorf("it needs libraries that are not found: %s: install them, and name their folder in LD_LIBRARY_PATH if it is an unusual one",
			strings.Join(missing, ", "))
	}
	if device.kind == OpenVINO && strings.Contains(err.Error(), "Failed to load shared library") {
		return fmt.Errorf("OpenVINO finds no device %s here: try openvino:cpu", device.unit)
	}
	return err
}
