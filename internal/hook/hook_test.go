package hook

import (
	"errors"
	"strings"
	"testing"
)

func TestHook(t *testing.T) {
	h := New("decode.MaybeRunChild")
	if err := h.Check(); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "must call decode.MaybeRunChild first") {
		t.Errorf("before: %v", err)
	}
	h.Called(true)
	if err := h.Check(); err != nil {
		t.Errorf("after: %v", err)
	}
	h.Called(false)
	if err := h.Check(); err == nil {
		t.Error("it is taken back in vain")
	}
}
