package problem_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"polylens/indexer/catalog"
	"polylens/search"
	"polylens/web/problem"
)

func TestOf(t *testing.T) {
	for label, test := range map[string]struct {
		err    error
		name   string
		status int
		exit   int
	}{
		"collection": {fmt.Errorf("search: %w: %q", catalog.ErrCollectionNotFound, "x"), "collection-not-found", 404, 5},
		"image":      {catalog.ErrImageNotFound, "image-not-found", 404, 5},
		"run":        {fmt.Errorf("run x: %w", catalog.ErrNotFound), "not-found", 404, 5},
		"conflict":   {catalog.ErrConflict, "conflict", 409, 1},
		"invalid":    {&search.InvalidError{Field: "limit", Reason: "0"}, "invalid-request", 422, 1},
		"other model": {&search.ModelMismatchError{Collection: "c", Indexed: "a", Loaded: "b"},
			"model-mismatch", 409, 1},
		"forgotten":   {(&catalog.Verdict{}).Error(), "forgetting-gate", 409, 1},
		"Milvus down": {fmt.Errorf("x: %w", search.ErrUnavailable), "unavailable", 503, 4},
		"too slow":    {context.DeadlineExceeded, "timeout", 504, 1},
		"unforeseen":  {errors.New("disk on fire"), "internal", 500, 1},
	} {
		got := problem.Of(test.err, problem.Table())
		if got.Name != test.name || got.Status != test.status || got.Exit != test.exit {
			t.Errorf("%s: got %+v", label, got)
		}
	}
}

// Each error that the server turns into a problem, the client turns back into the same
// error.
func TestErrorGoesThroughTheNetwork(t *testing.T) {
	for _, row := range problem.Table() {
		got := problem.Error(problem.Prefix+row.Kind.Name, "these words")
		if !errors.Is(got, row.Err) || got.Error() != "these words" {
			t.Errorf("%s: got %v", row.Kind.Name, got)
		}
		if again := problem.Of(got, problem.Table()); again != row.Kind {
			t.Errorf("%s came back as %s", row.Kind.Name, again.Name)
		}
	}
	if got := problem.Error("about:blank", "these words"); got.Error() != "these words" {
		t.Errorf("got %v", got)
	}
}
