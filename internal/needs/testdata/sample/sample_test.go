// Package sample is what the tests of package needs run: tests that need
// something and tests that do not.
package sample

import (
	"fmt"
	"os"
	"testing"

	"polylens/internal/needs"
)

func TestMain(m *testing.M) {
	if os.Getenv("SAMPLE_WITHOUT_MAIN") != "" {
		os.Exit(m.Run())
	}
	os.Exit(needs.Main(m))
}

func TestNeedsNothing(t *testing.T) {
	if os.Getenv("SAMPLE_FAILS") != "" {
		t.Error("this test fails by itself")
	}
	fmt.Println("ran what needs nothing")
}

func TestNeedsRuntime(t *testing.T) {
	fmt.Println("ran with", needs.ONNXRuntime(t))
}

func TestNeedsInParts(t *testing.T) {
	for range 3 {
		t.Run("part", func(t *testing.T) {
			t.Parallel()
			needs.Milvus(t)
			fmt.Println("ran a part")
		})
	}
}

func TestEnds(t *testing.T) {
	for _, word := range []string{"first", "second"} {
		needs.AtEnd(t, func() error {
			fmt.Println("ended", word)
			if os.Getenv("SAMPLE_END_FAILS") != "" {
				return fmt.Errorf("%s does not stop", word)
			}
			return nil
		})
	}
}
