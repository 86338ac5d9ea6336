package ort

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	onnx "github.com/yalue/onnxruntime_go"
)

// Options tune a session.
type Options struct {
	// Threads work on one Run together; 0 takes Cores(). The library's own
	// default would count the host's cores, whatever the container may use.
	Threads int
	// Spin is how long a thread without work waits busily for the next operator
	// before it sleeps; 0 not at all. It shortens a lone Run a little and takes
	// the cores away from everything else. Libraries before 1.32 know only
	// whether to, and wait for some milliseconds.
	Spin time.Duration
	// Device computes: "cpu" (also for ""), "cuda", "tensorrt", "coreml" or
	// "openvino", or "auto" for the best that Choose finds. One of several is
	// named behind a colon, as in "cuda:1", "openvino:gpu" or "openvino:gpu.1".
	Device string
	// Half lets a device compute in 16 bits where it is faster. Without it a model in
	// float32 is computed in float32. It makes no difference on the processor.
	Half bool
	// Cache is a folder for what a device compiles once for a model, such as
	// TensorRT's engines, which take minutes to build; "" keeps nothing.
	Cache string
	// Literal runs the graph as it is written, each node once and none fused,
	// and frees each result after its last use. The library would compute equal
	// nodes once, and so undo the choice to compute something again rather than
	// keep it; and it would hold one block for all results beside the first
	// run's.
	Literal bool
	// Lean keeps no second copy of constant weights in the order that suits
	// matrix products best: a little slower, and half the memory.
	Lean bool
}

func (o Options) threads() int {
	if o.Threads > 0 {
		return o.Threads
	}
	return Cores()
}

// entries are the settings that the library takes as text.
// session.set_denormal_as_zero is not among them: it permanently changes how the
// calling thread computes, and that thread goes on to run Go.
func (o Options) entries(folder string) map[string]string {
	entries := map[string]string{"session.intra_op.allow_spinning": "0"}
	if o.Spin > 0 {
		entries["session.intra_op.allow_spinning"] = "1"
		entries["session.intra_op.spin_duration_us"] = strconv.FormatInt(max(1, o.Spin.Microseconds()), 10)
	}
	if o.Lean {
		entries["session.disable_prepacking"] = "1"
	}
	if folder != "" {
		entries["session.model_external_initializers_file_folder_path"] = folder
	}
	return entries
}

func (o Options) settings(folder string) (*onnx.SessionOptions, error) {
	settings, err := onnx.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	errs := []error{settings.SetIntraOpNumThreads(o.threads()), settings.SetInterOpNumThreads(1)}
	if o.Literal {
		errs = append(errs, settings.SetGraphOptimizationLevel(onnx.GraphOptimizationLevelDisableAll), settings.SetMemPattern(false))
	}
	for key, value := range o.entries(folder) {
		errs = append(errs, settings.AddSessionConfigEntry(key, value))
	}
	if err := errors.Join(errs...); err != nil {
		free(settings)
		return nil, fmt.Errorf("%d threads, folder %q: %w", o.threads(), folder, err)
	}
	return settings, nil
}
