package main

import (
	"runtime"
	"strings"
	"testing"

	"polylens/encoder"
	"polylens/encoder/hub"
	"polylens/encoder/ort"
	"polylens/encoder/ort/tune"
	"polylens/internal/needs"
)

// TestDoctorTellsWhatComputes reads the report of the parts around ONNX Runtime.
func TestDoctorTellsWhatComputes(t *testing.T) {
	needs.ONNXRuntime(t)
	f := newFolders(t)
	got := f.run(t, "doctor", "--json", "--threads", "3")
	details := map[string]string{}
	for _, found := range objects[finding](t, got.stdout) {
		details[found.Check] += found.Detail + "\n"
	}
	for check, wants := range map[string][]string{
		"runtime": {"ONNX Runtime ", "built for cpu"},
		"device":  {"cpu is used: no other is asked for", "cpu can be used", "cuda", "tensorrt", "coreml", "openvino"},
		"threads": {"3: asked for"},
		"int8":    {"worth trying: "},
	} {
		for _, want := range wants {
			if !strings.Contains(details[check], want) {
				t.Errorf("the check %q does not say %q: %s", check, want, details[check])
			}
		}
	}
}

func TestDoctorTellsThatADeviceIsMissing(t *testing.T) {
	needs.ONNXRuntime(t)
	f := newFolders(t)
	absent := "coreml"
	if runtime.GOOS == "darwin" {
		absent = "cuda"
	}
	got := f.run(t, "doctor", "--json", "--device", absent)
	for _, found := range objects[finding](t, got.stdout) {
		if found.Check == "device" && found.State == stateProblem {
			if !strings.Contains(found.Detail, "--onnxruntime") || !strings.Contains(found.Remedy, "--device") {
				t.Errorf("%+v does not say what to do", found)
			}
			return
		}
	}
	t.Errorf("no problem with a device that is not there: %s", got.stdout)
}

func TestThreadsComeFromTheFlagOrAMeasurement(t *testing.T) {
	needs.ONNXRuntime(t)
	p := newProgram(globals{Onnxruntime: needs.ONNXRuntime(t), Data: t.TempDir(), Cache: t.TempDir(), Model: bundledModel}, terminal{}, nil)
	expect := func(want string) {
		t.Helper()
		if got := checkThreads(t.Context(), p)[0].Detail; !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
	expect("not measured yet")
	dir, err := p.modelFolder()
	if err != nil {
		t.Fatal(err)
	}
	fingerprint, err := hub.Fingerprint(dir)
	if err != nil {
		t.Fatal(err)
	}
	environment, err := ort.Open(p.globals.Onnxruntime)
	if err != nil {
		t.Fatal(err)
	}
	key := tune.KeyOf(environment, ort.Options{}, fingerprint, encoder.FP32)
	if err := tune.Save(p.globals.Cache, key, ort.Options{Threads: 7, Spin: 200_000}); err != nil {
		t.Fatal(err)
	}
	expect("7, which wait busily for 200 µs: measured on this machine")
	p.globals.Precision = encoder.INT8
	expect("not measured yet")
	p.globals.Threads = 5
	expect("5: asked for")
}
