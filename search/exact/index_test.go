package exact_test

import (
	"testing"

	"polylens/search"
	"polylens/search/exact"
	"polylens/search/searchtest"
)

func TestConformance(t *testing.T) {
	searchtest.Run(t, func(*testing.T) search.Index { return exact.New() })
}
