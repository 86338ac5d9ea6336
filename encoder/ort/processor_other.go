//go:build !darwin

package ort

import "polylens/internal/ordinary"

func processorName() string {
	cpuinfo, err := ordinary.ReadKernel("/proc/cpuinfo", 64<<20)
	if err != nil {
		return ""
	}
	return nameIn(string(cpuinfo))
}
