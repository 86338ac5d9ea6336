package milvus

import (
	"errors"
	"testing"
)

// A program whose main has not called MaybeRunChild would run itself, without an end.
func TestForgottenHook(t *testing.T) {
	hooked.Store(false)
	defer hooked.Store(true)
	if err := try(noCage); !errors.Is(err, errNotHooked) {
		t.Errorf("a keeper: %v", err)
	}
	if err := trySigned(); !errors.Is(err, errNotHooked) {
		t.Errorf("a stand-in: %v", err)
	}
	if _, err := findCage(); !errors.Is(err, errNotHooked) || errors.Is(err, ErrRefused) {
		t.Errorf("a cage: %v", err)
	}
}
