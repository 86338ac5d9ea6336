//go:build !darwin

package ort

import "os"

func processorName() string {
	cpuinfo, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	return nameIn(string(cpuinfo))
}
