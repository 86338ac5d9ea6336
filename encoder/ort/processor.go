package ort

import (
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/sys/cpu"

	"polylens/internal/ordinary"
)

// Processor is the name of the processor, as its maker writes it; or its architecture
// where the system does not say.
func Processor() string {
	if name := processorName(); name != "" {
		return name
	}
	return runtime.GOARCH
}

// nameIn finds the name in the form of Linux's /proc/cpuinfo. Family and model,
// where they stand, are part of it: a virtual machine may hide all of the name
// but the brand, of which processors of several generations were sold.
func nameIn(cpuinfo string) string {
	fields := make(map[string]string)
	for line := range strings.Lines(cpuinfo) {
		key, value, _ := strings.Cut(line, ":")
		if key = strings.TrimSpace(key); fields[key] == "" {
			fields[key] = strings.TrimSpace(value)
		}
	}
	name, family, model := fields["model name"], fields["cpu family"], fields["model"]
	if name == "" || family == "" || model == "" {
		return name
	}
	return fmt.Sprintf("%s (family %s, model %s)", name, family, model)
}

// Multithreaded reports whether a core runs several threads, of which a second one
// gains little when the first multiplies matrices.
func Multithreaded() bool {
	active, err := ordinary.ReadKernel("/sys/devices/system/cpu/smt/active", 1<<10) // absent outside Linux
	return err == nil && strings.TrimSpace(string(active)) == "1"
}

// Features are the vector instructions of the processor that decide how fast a
// model is.
func Features() []string {
	var present []string
	for _, feature := range []struct {
		name string
		has  bool
	}{
		{"AVX2", cpu.X86.HasAVX2},
		{"AVX-512", cpu.X86.HasAVX512F},
		{"AVX-512 VNNI", cpu.X86.HasAVX512VNNI},
		{"AVX-VNNI", cpu.X86.HasAVXVNNI},
		{"AMX int8", cpu.X86.HasAMXInt8},
		{"NEON", cpu.ARM64.HasASIMD},
		{"NEON dot product", hasDotProduct()},
		{"NEON int8 matrices", cpu.ARM64.HasI8MM},
	} {
		if feature.has {
			present = append(present, feature.name)
		}
	}
	return present
}

// hasDotProduct: the library x/sys does not look for it on a Mac, where every
// processor of this architecture has it.
func hasDotProduct() bool {
	return cpu.ARM64.HasASIMDDP || runtime.GOOS == "darwin" && runtime.GOARCH == "arm64"
}

// Int8 says whether this processor is made for models in 8-bit integers, and
// why in words. Where it is not, they are hardly faster, and on x86 wrong too.
func Int8() (suitable bool, why string) {
	switch {
	case cpu.X86.HasAMXInt8:
		return true, "the processor has AMX, which multiplies matrices of 8-bit integers"
	case cpu.X86.HasAVX512VNNI, cpu.X86.HasAVXVNNI:
		return true, "the processor has VNNI, which multiplies 8-bit integers and sums in 32 bits"
	case hasDotProduct():
		return true, "the processor has dot products of 8-bit integers"
	case runtime.GOARCH == "amd64":
		return false, "the processor lacks VNNI: pairs of products are summed in 16 bits, which overflow, so vectors go wrong, and little time is won"
	default:
		return false, fmt.Sprintf("the processor (%s) has no instruction for products of 8-bit integers", runtime.GOARCH)
	}
}
