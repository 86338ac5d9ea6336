package bench

import (
	"runtime"
	"testing"
)

// TestMemoryOf: a process that runs holds memory, and knows its processor.
func TestMemoryOf(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	for _, field := range []string{"VmRSS", "VmHWM"} {
		if held := MemoryOf(field); held < 1<<20 || held > 1<<40 {
			t.Errorf("%s: %d bytes", field, held)
		}
	}
}
