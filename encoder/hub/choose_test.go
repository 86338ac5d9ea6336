package hub

import (
	"strings"
	"testing"
)

func named(names string) []remoteFile {
	var files []remoteFile
	for name := range strings.FieldsSeq(names) {
		files = append(files, remoteFile{Name: name})
	}
	return files
}

func TestChoose(t *testing.T) {
	const exports = " onnx/model.onnx onnx/model_fp16.onnx onnx/text_model.onnx onnx/vision_model.onnx onnx/vision_model.onnx_data onnx/vision_model_fp16.onnx onnx/text_model_fp16.onnx onnx/model_q4.onnx onnx/model_q4.onnx_data_1"
	tests := map[string]struct{ files, precision, want, problem string }{
		"one file": {files: "config.json model.safetensors pytorch_model.bin tokenizer.json tokenizer.model flax_model.msgpack x.py sub/model.safetensors",
			want: "config.json model.safetensors tokenizer.json tokenizer.model"},
		"shards": {files: "config.json model-00001-of-00002.safetensors model-00002-of-00002.safetensors model.safetensors.index.json other.safetensors",
			want: "config.json model-00001-of-00002.safetensors model-00002-of-00002.safetensors model.safetensors.index.json"},
		"both":            {files: "model.safetensors model-00001-of-00001.safetensors model.safetensors.index.json", want: "model.safetensors"},
		"safetensors win": {files: "config.json model.safetensors" + exports, want: "config.json model.safetensors"},
		"an adapter":      {files: "adapter_config.json adapter_model.safetensors adapter_model.bin README.md", want: "README.md adapter_config.json adapter_model.safetensors"},
		"exports":         {files: "config.json quantize_config.json" + exports, want: "config.json onnx/text_model.onnx onnx/vision_model.onnx onnx/vision_model.onnx_data"},
		"a precision":     {files: "config.json model.safetensors" + exports, precision: "fp16", want: "config.json onnx/text_model_fp16.onnx onnx/vision_model_fp16.onnx"},
		"both in one":     {files: "config.json" + exports, precision: "q4", want: "config.json onnx/model_q4.onnx onnx/model_q4.onnx_data_1"},
		"the only one":    {files: "onnx/vision_model_int8.onnx onnx/text_model_int8.onnx", want: "onnx/text_model_int8.onnx onnx/vision_model_int8.onnx"},
		"Immich": {files: "config.json visual/model.onnx visual/preprocess_cfg.json visual/model.armnn textual/model.onnx textual/model.onnx.data textual/tokenizer.json",
			want: "config.json textual/model.onnx textual/model.onnx.data textual/tokenizer.json visual/model.onnx visual/preprocess_cfg.json"},
		"none":           {files: "config.json pytorch_model.bin", problem: "no weights as safetensors or ONNX"},
		"not offered":    {files: "config.json" + exports, precision: "bnb4", problem: "fp16, fp32, q4"},
		"differ in case": {files: "model.safetensors README.md config.json License LICENSE LICENSE", problem: "both LICENSE and LICENSE"},
	}
	for title, test := range tests {
		chosen, err := choose(named(test.files), test.precision)
		if test.problem != "" {
			if err == nil || !strings.Contains(err.Error(), test.problem) {
				t.Errorf("%s: %v", title, err)
			}
			continue
		}
		var got []string
		for _, file := range chosen {
			got = append(got, file.Name)
		}
		if err != nil || strings.Join(got, " ") != test.want {
			t.Errorf("%s: %v, %v", title, got, err)
		}
	}
}
