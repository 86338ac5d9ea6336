package decode

import (
	"os"
	"testing"

	"polylens/internal/needs"
)

func TestMain(m *testing.M) {
	MaybeRunChild()
	os.Exit(needs.Main(m))
}
