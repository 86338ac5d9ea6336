package ort_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/ort"
)

// TestDevices holds for every library: what can be used computes what the
// processor computes, and what cannot says what to do.
func TestDevices(t *testing.T) {
	library := environment(t)
	devices, err := library.Devices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, device := range devices {
		session, err := library.NewSession(powers(t, 3), ort.Options{Threads: 1, Device: device.Device, Cache: t.TempDir()})
		if !device.Usable {
			if err == nil || !strings.Contains(err.Error(), device.Why) {
				t.Errorf("%s: a session answers %v, the report says %q", device.Device, err, device.Why)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s can be used, but: %v", device.Device, err)
			continue
		}
		results, err := session.Run(t.Context(), identity(2))
		if err != nil || !slices.Equal(results[0].Floats, identity(2).Floats) || session.Device() != device.Device {
			t.Errorf("%s: the power of the identity is not the identity: %v", device.Device, err)
		}
		session.Close()
	}
	if !devices[0].Usable || devices[0].Device != ort.CPU {
		t.Errorf("the first device is %+v, want a usable cpu", devices[0])
	}
}

// TestUnusableDevicesSayWhatToDo needs at least one device that this machine lacks.
func TestUnusableDevicesSayWhatToDo(t *testing.T) {
	devices, err := environment(t).Devices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	remedies := []string{"--onnxruntime", "install", "try openvino:cpu", "no CUDA-capable device"}
	said := func(why string) bool {
		return slices.ContainsFunc(remedies, func(remedy string) bool { return strings.Contains(why, remedy) })
	}
	for _, device := range devices {
		if !device.Usable && !said(device.Why) {
			t.Errorf("%s cannot be used, and no remedy is told: %s", device.Device, device.Why)
		}
	}
	if !slices.ContainsFunc(devices, func(d ort.Availability) bool { return !d.Usable }) {
		t.Skip("this machine has every device")
	}
}

func TestProvidersBeginWithCPU(t *testing.T) {
	offered := environment(t).Providers()
	if len(offered) == 0 || offered[0] != ort.CPU {
		t.Errorf("the library offers %v, want cpu first", offered)
	}
}

func TestChoose(t *testing.T) {
	library := environment(t)
	for _, name := range []string{"", ort.CPU, ort.Auto} {
		chosen, why, err := library.Choose(t.Context(), name)
		if err != nil || why == "" {
			t.Errorf("Choose(%q) is %q because %q, %v", name, chosen, why, err)
		}
		if name != ort.Auto && chosen != ort.CPU {
			t.Errorf("Choose(%q) is %q, want cpu", name, chosen)
		}
	}
	if _, _, err := library.Choose(t.Context(), "abacus"); err == nil || !strings.Contains(err.Error(), "openvino or auto") {
		t.Errorf("an unknown device answers %v, want the list of devices", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := library.Devices(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("Devices with an ended context answers %v", err)
	}
}
