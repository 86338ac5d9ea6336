package web_test

import (
	"testing"

	"go.uber.org/goleak"

	"polylens/internal/needs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(needs.Wrap(m)) }
