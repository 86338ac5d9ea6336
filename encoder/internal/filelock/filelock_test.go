package filelock

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

func TestOneHolds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, err := Take(t.Context(), path, func() { t.Error("waited for nobody") })
	if err != nil {
		t.Fatal(err)
	}
	impatient, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	told := 0
	if _, err := Take(impatient, path, func() { told++ }); !errors.Is(err, context.DeadlineExceeded) || told != 1 {
		t.Errorf("a held lock answers %v, told %d times", err, told)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := Take(t.Context(), path, nil)
	if err != nil {
		t.Fatalf("a lock given back answers %v", err)
	}
	second.Close()
	if _, err := Take(t.Context(), filepath.Join(path, "below"), nil); err == nil {
		t.Error("an impossible place was locked")
	}
}
