package doctor

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

// runtime loads ONNX Runtime; nil where checkItems has said what is missing.
func (d *Doctor) runtime() (*ort.Environment, error) {
	ready, err := d.Setup.Status(setup.OnnxRuntime)
	if err != nil {
		return nil, nil
	}
	return ort.Open(ready.Path)
}

func (d *Doctor) checkRuntime(_ context.Context) []Finding {
	environment, err := d.runtime()
	switch {
	case err != nil:
		return []Finding{trouble("runtime", "name another library with --onnxruntime", err)}
	case environment == nil:
		return nil
	}
	return []Finding{good("runtime", "ONNX Runtime %s loads; it is built for %s",
		environment.Version(), strings.Join(environment.Providers(), ", "))}
}

// checkDevices says what the model computes on, and for every other device whether
// it could be used.
func (d *Doctor) checkDevices(ctx context.Context) []Finding {
	environment, err := d.runtime()
	if environment == nil || err != nil {
		return nil // said by checkRuntime
	}
	chosen, why, err := environment.Choose(ctx, d.Device)
	if err != nil {
		return []Finding{trouble("device", "name another with --device, or auto", err)}
	}
	found := []Finding{good("device", "%s is used: %s", chosen, why)}
	devices, err := environment.Devices(ctx)
	if err != nil {
		return append(found, trouble("device", "try again", err))
	}
	for _, device := range devices {
		if device.Usable {
			found = append(found, good("device", "%s can be used", device.Device))
		} else {
			found = append(found, note("device", "%s cannot be used: %s", device.Device, device.Why))
		}
	}
	return found
}

// checkThreads says how many threads the model in use computes with, and why.
func (d *Doctor) checkThreads(_ context.Context) []Finding {
	if d.Threads > 0 {
		return []Finding{good("threads", "%s: asked for", threads(ort.Options{Threads: d.Threads}))}
	}
	if stored, found := d.storedThreads(); found {
		return []Finding{good("threads", "%s: measured on this machine", threads(stored))}
	}
	return []Finding{good("threads", "%s: one for each core, not measured yet", threads(ort.Options{Threads: ort.Cores()}))}
}

func threads(options ort.Options) string {
	if options.Spin == 0 {
		return fmt.Sprint(options.Threads)
	}
	return fmt.Sprintf("%d, which wait busily for %d µs", options.Threads, options.Spin/time.Microsecond)
}

// storedThreads returns the threads that were measured for the model in use.
func (d *Doctor) storedThreads() (ort.Options, bool) {
	environment, err := d.runtime()
	if environment == nil || err != nil {
		return ort.Options{}, false
	}
	dir, err := d.FindModel(d.Model)
	if err != nil {
		return ort.Options{}, false // said by checkModel
	}
	fingerprint, err := hub.Fingerprint(dir)
	if err != nil {
		return ort.Options{}, false
	}
	options := ort.Options{Device: d.Device}
	key := tune.KeyOf(environment, options, fingerprint, cmp.Or(d.Precision, encoder.FP32))
	return tune.Load(d.Cache, key, options)
}

func checkProcessor(context.Context) []Finding {
	features := ort.Features()
	detail := fmt.Sprintf("%s: %d cores, %s", ort.Processor(), ort.Cores(), strings.Join(features, ", "))
	if runtime.GOARCH == "amd64" && !slices.Contains(features, "AVX2") {
		return []Finding{warning("processor", "use a processor with AVX2: Milvus and ONNX Runtime need it to be fast", "%s", detail)}
	}
	return []Finding{good("processor", "%s", detail)}
}

// checkInt8 warns only those who want it: everyone else loses nothing.
func (d *Doctor) checkInt8(_ context.Context) []Finding {
	suitable, why := ort.Int8()
	switch {
	case suitable:
		return []Finding{good("int8", "worth trying: %s", why)}
	case d.Precision == encoder.INT8:
		return []Finding{warning("int8", "use --precision fp32", "%s", why)}
	default:
		return []Finding{good("int8", "not worth trying: %s", why)}
	}
}
