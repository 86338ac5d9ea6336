package hook

import (
	"errors"
	"fmt"
	"sync/atomic"
)

// ErrMissing is wrapped by the error of a program that cannot run its own children.
var ErrMissing = errors.New("this program cannot run its own children")

// Hook is one function that main must call. Its methods may be called from many
// goroutines.
type Hook struct {
	name   string
	called atomic.Bool
}

// New returns the hook of a function, which has not been called.
func New(function string) *Hook { return &Hook{name: function} }

// Called says that main has called the function, or for a test that it has not.
func (h *Hook) Called(is bool) { h.called.Store(is) }

// Check is nil when the function has been called, else ErrMissing, wrapped.
func (h *Hook) Check() error {
	if h.called.Load() {
		return nil
	}
	return fmt.Errorf("%w: its main must call %s first", ErrMissing, h.name)
}
