package ort

import (
	"maps"
	"strings"
	"testing"
)

func TestParseDevice(t *testing.T) {
	tests := []struct {
		name string
		want device
	}{
		{"", device{CPU, ""}},
		{"cpu", device{CPU, ""}},
		{"CUDA", device{CUDA, ""}},
		{"cuda:1", device{CUDA, "1"}},
		{"tensorrt:0", device{TensorRT, "0"}},
		{"coreml", device{CoreML, ""}},
		{"openvino", device{OpenVINO, ""}},
		{"openvino:gpu.1", device{OpenVINO, "GPU.1"}},
	}
	for _, test := range tests {
		got, err := parseDevice(test.name)
		if err != nil || got != test.want {
			t.Errorf("parseDevice(%q) is %v, %v; want %v", test.name, got, err, test.want)
		}
		if again, err := parseDevice(got.String()); err != nil || again != got {
			t.Errorf("%q is written %q, which reads as %v, %v", test.name, got, again, err)
		}
	}
	for _, name := range []string{"gpu", "cuda:x", "cuda:-1", "cuda:01", "cpu:0", "coreml:0", "openvino:tpu", "openvino:GPU.10", ":1", "auto:1"} {
		if got, err := parseDevice(name); err == nil {
			t.Errorf("parseDevice(%q) is %v, want an error", name, got)
		}
	}
}

func TestDeviceSettings(t *testing.T) {
	exact, half := Options{Threads: 3}, Options{Threads: 3, Half: true, Cache: "/cache"}
	tests := []struct {
		name      string
		got, want map[string]string
	}{
		{"cuda", device{CUDA, "1"}.cudaSettings(exact), map[string]string{
			"device_id": "1", "arena_extend_strategy": "kSameAsRequested", "cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"}},
		{"tensorrt", device{TensorRT, ""}.tensorRTSettings(exact), map[string]string{"device_id": "0", "trt_fp16_enable": "0"}},
		{"tensorrt half", device{TensorRT, ""}.tensorRTSettings(half), map[string]string{
			"device_id": "0", "trt_fp16_enable": "1", "trt_engine_cache_enable": "1", "trt_engine_cache_path": "/cache",
			"trt_timing_cache_enable": "1", "trt_timing_cache_path": "/cache"}},
		{"coreml", device{CoreML, ""}.coreMLSettings(exact), map[string]string{"ModelFormat": "MLProgram", "MLComputeUnits": "CPUAndGPU"}},
		{"coreml half", device{CoreML, ""}.coreMLSettings(half), map[string]string{
			"ModelFormat": "MLProgram", "MLComputeUnits": "ALL", "ModelCacheDirectory": "/cache"}},
		{"openvino", device{OpenVINO, ""}.openVINOSettings(exact), map[string]string{
			"device_type": "CPU", "precision": "FP32", "num_of_threads": "3"}},
		{"openvino half", device{OpenVINO, "CPU"}.openVINOSettings(half), map[string]string{
			"device_type": "CPU", "load_config": `{"CPU":{"INFERENCE_PRECISION_HINT":"bf16"}}`, "num_of_threads": "3", "cache_dir": "/cache"}},
		{"openvino gpu", device{OpenVINO, "GPU.1"}.openVINOSettings(exact), map[string]string{"device_type": "GPU.1", "precision": "FP32"}},
	}
	for _, test := range tests {
		if !maps.Equal(test.got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, test.got, test.want)
		}
	}
}

func TestDescribeNamesWhatToInstall(t *testing.T) {
	for library, want := range map[string]string{
		"libcuda.so.1": "NVIDIA driver", "libcublas.so.13": "CUDA toolkit", "libcudnn.so.9": "cuDNN", "libnvinfer.so.10": "TensorRT",
	} {
		if got := describe(library); !strings.Contains(got, want) {
			t.Errorf("describe(%q) is %q, want %q", library, got, want)
		}
	}
	if got := describe("libz.so.1"); got != "libz.so.1" {
		t.Errorf("describe(libz.so.1) is %q", got)
	}
}
