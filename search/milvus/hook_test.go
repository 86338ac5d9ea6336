package milvus

import (
	"errors"
	"testing"

	"polylens/internal/hook"
)

// A program whose main has not called MaybeRunChild would run itself, without an end.
func TestForgottenHook(t *testing.T) {
	hooked.Called(false)
	defer hooked.Called(true)
	if err := try(noCage); !errors.Is(err, hook.ErrMissing) {
		t.Errorf("a keeper: %v", err)
	}
	if err := trySigned(); !errors.Is(err, hook.ErrMissing) {
		t.Errorf("a stand-in: %v", err)
	}
	if _, err := findCage(); !errors.Is(err, hook.ErrMissing) || errors.Is(err, ErrRefused) {
		t.Errorf("a cage: %v", err)
	}
}
