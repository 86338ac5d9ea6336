package ort

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	onnx "github.com/yalue/onnxruntime_go"
)

// Devices that Options.Device names.
const (
	CPU      = "cpu"
	CUDA     = "cuda"
	TensorRT = "tensorrt"
	CoreML   = "coreml"
	OpenVINO = "openvino"
	Auto     = "auto"
)

// device is a parsed name: a kind, and which one of several in the spelling of
// its execution provider.
type device struct{ kind, unit string }

func (d device) String() string {
	if d.unit == "" {
		return d.kind
	}
	return d.kind + ":" + strings.ToLower(d.unit)
}

// unitOf says which units a kind of device has.
var unitOf = map[string]*regexp.Regexp{
	CUDA:     regexp.MustCompile(`^(0|[1-9][0-9]?)$`),
	TensorRT: regexp.MustCompile(`^(0|[1-9][0-9]?)$`),
	OpenVINO: regexp.MustCompile(`^(CPU|NPU|GPU(\.[0-9])?)$`),
}

func parseDevice(name string) (device, error) {
	kind, unit, _ := strings.Cut(name, ":")
	d := device{kind: strings.ToLower(kind), unit: strings.ToUpper(unit)}
	if d.kind == "" {
		d.kind = CPU
	}
	units, several := unitOf[d.kind]
	switch {
	case !several && d.kind != CPU && d.kind != CoreML:
		return d, fmt.Errorf("there is no device %q: name cpu, cuda, tensorrt, coreml, openvino or auto", name)
	case d.unit != "" && (!several || !units.MatchString(d.unit)):
		return d, fmt.Errorf("device %q: %s has no %q; write cuda:0, tensorrt:0, openvino:cpu, openvino:gpu or openvino:gpu.1", name, d.kind, unit)
	}
	return d, nil
}

// appendTo adds the device's execution providers to settings, the best first.
// The library's own one for the processor always follows, for the operators
// that a device lacks.
func (d device) appendTo(settings *onnx.SessionOptions, options Options) error {
	switch d.kind {
	case CUDA:
		return d.appendCUDA(settings, options)
	case TensorRT:
		return errors.Join(d.appendTensorRT(settings, options), d.appendCUDA(settings, options))
	case CoreML:
		return settings.AppendExecutionProviderCoreMLV2(d.coreMLSettings(options))
	case OpenVINO:
		return settings.AppendExecutionProviderOpenVINO(d.openVINOSettings(options))
	default:
		return nil
	}
}

func (d device) appendCUDA(settings *onnx.SessionOptions, options Options) error {
	provider, err := onnx.NewCUDAProviderOptions()
	if err != nil {
		return err
	}
	defer free(provider)
	if err := provider.Update(d.cudaSettings(options)); err != nil {
		return err
	}
	return settings.AppendExecutionProviderCUDA(provider)
}

func (d device) appendTensorRT(settings *onnx.SessionOptions, options Options) error {
	provider, err := onnx.NewTensorRTProviderOptions()
	if err != nil {
		return err
	}
	defer free(provider)
	if err := provider.Update(d.tensorRTSettings(options)); err != nil {
		return err
	}
	return settings.AppendExecutionProviderTensorRT(provider)
}

// cudaSettings take no more memory than is asked for, and leave TF32, which
// keeps 10 bits of the products' operands, to those who allow 16 bits.
func (d device) cudaSettings(options Options) map[string]string {
	return map[string]string{
		"device_id":              orZero(d.unit),
		"arena_extend_strategy":  "kSameAsRequested",
		"cudnn_conv_algo_search": "HEURISTIC", // one convolution per picture: searching costs more than it gains
		"use_tf32":               flag(options.Half),
	}
}

func (d device) tensorRTSettings(options Options) map[string]string {
	settings := map[string]string{
		"device_id":       orZero(d.unit),
		"trt_fp16_enable": flag(options.Half),
	}
	if options.Cache != "" {
		settings["trt_engine_cache_enable"] = "1"
		settings["trt_engine_cache_path"] = options.Cache
		settings["trt_timing_cache_enable"] = "1"
		settings["trt_timing_cache_path"] = options.Cache
	}
	return settings
}

// coreMLSettings take the newer format, which has the operators of a
// transformer. The Neural Engine computes in 16 bits only.
func (d device) coreMLSettings(options Options) map[string]string {
	settings := map[string]string{"ModelFormat": "MLProgram", "MLComputeUnits": "CPUAndGPU"}
	if options.Half {
		settings["MLComputeUnits"] = "ALL"
	}
	if options.Cache != "" {
		settings["ModelCacheDirectory"] = options.Cache
	}
	return settings
}

func (d device) openVINOSettings(options Options) map[string]string {
	unit := d.unit
	if unit == "" {
		unit = "CPU"
	}
	settings := map[string]string{"device_type": unit}
	kind, _, _ := strings.Cut(unit, ".")
	switch {
	case kind == "CPU" && options.Half: // bfloat16 is the only half that processors compute in
		settings["load_config"] = `{"CPU":{"INFERENCE_PRECISION_HINT":"bf16"}}`
	case kind != "NPU" && !options.Half:
		settings["precision"] = "FP32"
	}
	if kind == "CPU" {
		settings["num_of_threads"] = strconv.Itoa(options.threads())
	}
	if options.Cache != "" {
		settings["cache_dir"] = options.Cache
	}
	return settings
}

func orZero(unit string) string {
	if unit == "" {
		return "0"
	}
	return unit
}

func flag(set bool) string {
	if set {
		return "1"
	}
	return "0"
}
