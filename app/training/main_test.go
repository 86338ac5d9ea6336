package training

import (
	"os"
	"testing"

	"polylens/internal/needs"
)

func TestMain(m *testing.M) { os.Exit(needs.Main(m)) }
