package late_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"polylens/search"
	"polylens/search/exact"
	"polylens/search/late"
)

// TestPatiently: what is unavailable is tried again, any other error is returned at
// once, and nobody waits longer than the context allows.
func TestPatiently(t *testing.T) {
	calls := 0
	err := late.Patiently(t.Context(), func() error {
		if calls++; calls < 3 {
			return fmt.Errorf("loading: %w", search.ErrUnavailable)
		}
		return nil
	})
	if err != nil || calls != 3 {
		t.Errorf("%d calls, %v", calls, err)
	}
	broken := errors.New("broken")
	calls = 0
	if err := late.Patiently(t.Context(), func() error { calls++; return broken }); !errors.Is(err, broken) || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = late.Patiently(ctx, func() error { cancel(); return search.ErrUnavailable })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("after the context has ended: %v", err)
	}
}

func TestAwaitLoaded(t *testing.T) {
	index := late.New("starting")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := late.AwaitLoaded(ctx, index, "c", 2); !errors.Is(err, context.Canceled) {
		t.Errorf("an index that is not there: %v", err)
	}
	index.Set(exact.New())
	if err := index.Ensure(t.Context(), key, 2); err != nil {
		t.Fatal(err)
	}
	if err := index.Upsert(t.Context(), key, rows); err != nil {
		t.Fatal(err)
	}
	if err := index.Activate(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if err := late.AwaitLoaded(t.Context(), index, "c", 2); err != nil {
		t.Error(err)
	}
}
