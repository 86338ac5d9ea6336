package ort

import (
	"slices"
	"strings"
	"testing"
)

func TestNameIn(t *testing.T) {
	tests := []struct{ cpuinfo, want string }{
		{"processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD EPYC 9R14\nstepping\t: 1\nmodel name\t: other\n", "AMD EPYC 9R14"},
		{"model name: x", "x"},
		{"cpu family\t: 26\nmodel\t\t: 2\nmodel name\t: AMD EPYC\ncpu family\t: 6\n", "AMD EPYC (family 26, model 2)"},
		{"processor\t: 0\nCPU part\t: 0xd40\n", ""},
		{"", ""},
	}
	for _, test := range tests {
		if got := nameIn(test.cpuinfo); got != test.want {
			t.Errorf("nameIn(%q) is %q, want %q", test.cpuinfo, got, test.want)
		}
	}
	if Processor() == "" {
		t.Error("the processor has no name")
	}
}

func TestInt8AgreesWithFeatures(t *testing.T) {
	suitable, why := Int8()
	has := slices.ContainsFunc(Features(), func(name string) bool {
		return strings.Contains(name, "VNNI") || strings.Contains(name, "AMX") || strings.Contains(name, "dot product")
	})
	if suitable != has || why == "" {
		t.Errorf("int8 is suitable: %v (%s), with %v", suitable, why, Features())
	}
}

func TestCores(t *testing.T) {
	if Cores() < 1 {
		t.Errorf("%d cores", Cores())
	}
}
