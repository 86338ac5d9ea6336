package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"polylens/app/setup"
	"polylens/encoder"
	"polylens/encoder/hub"
	"polylens/encoder/ort"
	"polylens/encoder/ort/tune"
)

// runtimeOf loads ONNX Runtime; nil where checkItems has said what is missing.
func runtimeOf(p *program) (*ort.Environment, error) {
	library, err := p.item(setup.OnnxRuntime)
	if err != nil {
		return nil, nil
	}
	return ort.Open(library)
}

func checkRuntime(_ context.Context, p *program) []finding {
	environment, err := runtimeOf(p)
	switch {
	case err != nil:
		return []finding{trouble("runtime", "name another library with --onnxruntime", err)}
	case environment == nil:
		return nil
	}
	return []finding{good("runtime", "ONNX Runtime %s loads; it is built for %s",
		environment.Version(), strings.Join(environment.Providers(), ", "))}
}

// checkDevices says what the model computes on, and of every other device
// whether it could.
func checkDevices(ctx context.Context, p *program) []finding {
	environment, err := runtimeOf(p)
	if environment == nil || err != nil {
		return nil // said by checkRuntime
	}
	chosen, why, err := environment.Choose(ctx, p.globals.Device)
	if err != nil {
		return []finding{trouble("device", "name another with --device, or auto", err)}
	}
	found := []finding{good("device", "%s is used: %s", chosen, why)}
	devices, err := environment.Devices(ctx)
	if err != nil {
		return append(found, trouble("device", "try again", err))
	}
	for _, device := range devices {
		if device.Usable {
			found = append(found, good("device", "%s can be used", device.Device))
		} else {
			found = append(found, good("device", "%s cannot be used: %s", device.Device, device.Why))
		}
	}
	return found
}

// checkThreads says how many threads a model in use computes with, and why.
func checkThreads(_ context.Context, p *program) []finding {
	if p.globals.Threads > 0 {
		return []finding{good("threads", "%s: asked for", threads(ort.Options{Threads: p.globals.Threads}))}
	}
	if stored, found := storedThreads(p); found {
		return []finding{good("threads", "%s: measured on this machine", threads(stored))}
	}
	return []finding{good("threads", "%s: one for each core, not measured yet", threads(ort.Options{Threads: ort.Cores()}))}
}

func threads(options ort.Options) string {
	if options.Spin == 0 {
		return fmt.Sprint(options.Threads)
	}
	return fmt.Sprintf("%d, which wait busily for %d µs", options.Threads, options.Spin/time.Microsecond)
}

// storedThreads are those that were measured for the model in use.
func storedThreads(p *program) (ort.Options, bool) {
	environment, err := runtimeOf(p)
	if environment == nil || err != nil {
		return ort.Options{}, false
	}
	dir, err := p.modelFolder()
	if err != nil {
		return ort.Options{}, false // said by checkModel
	}
	fingerprint, err := hub.Fingerprint(dir)
	if err != nil {
		return ort.Options{}, false
	}
	options := ort.Options{Device: p.globals.Device}
	key := tune.KeyOf(environment, options, fingerprint, cmp.Or(p.globals.Precision, encoder.FP32))
	return tune.Load(p.globals.Cache, key, options)
}

func checkProcessor(context.Context, *program) []finding {
	features := ort.Features()
	detail := fmt.Sprintf("%s: %d cores, %s", ort.Processor(), ort.Cores(), strings.Join(features, ", "))
	if runtime.GOARCH == "amd64" && !slices.Contains(features, "AVX2") {
		return []finding{warning("processor", "use a processor with AVX2: Milvus and ONNX Runtime need it to be fast", "%s", detail)}
	}
	return []finding{good("processor", "%s", detail)}
}

// checkInt8 warns only those who want it: everyone else loses nothing.
func checkInt8(_ context.Context, p *program) []finding {
	suitable, why := ort.Int8()
	switch {
	case suitable:
		return []finding{good("int8", "worth trying: %s", why)}
	case p.globals.Precision == encoder.INT8:
		return []finding{warning("int8", "use --precision fp32", "%s", why)}
	default:
		return []finding{good("int8", "not worth trying: %s", why)}
	}
}
