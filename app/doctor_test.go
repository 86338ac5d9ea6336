package main

import (
	"runtime"
	"strings"
	"testing"

	"polylens/app/doctor"
	"polylens/internal/needs"
)

// TestDoctorTellsWhatComputes reads the findings about ONNX Runtime.
func TestDoctorTellsWhatComputes(t *testing.T) {
	needs.ONNXRuntime(t)
	f := newFolders(t)
	got := f.run(t, "doctor", "--json", "--threads", "3")
	details := map[string]string{}
	for _, found := range objects[doctor.Finding](t, got.stdout) {
		details[found.Check] += found.Detail + "\n"
		if strings.Contains(found.Detail, "cannot be used") && found.State != doctor.Note {
			t.Errorf("%s: %s", found.State, found.Detail)
		}
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
	for _, found := range objects[doctor.Finding](t, got.stdout) {
		if found.Check == "device" && found.State == doctor.Problem {
			if !strings.Contains(found.Detail, "--onnxruntime") || !strings.Contains(found.Remedy, "--device") {
				t.Errorf("%+v does not say what to do", found)
			}
			return
		}
	}
	t.Errorf("no problem with a device that is not there: %s", got.stdout)
}
