package decode

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"polylens/internal/hangtest"
	"polylens/internal/ordinary"
	"polylens/internal/patient"
)

// TestHangingRead: a file that does not answer is given up at the deadline, by whoever reads
// it as well, and is not called a picture that is too large.
func TestHangingRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.png")
	if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	hangtest.Hang(t, path, hangtest.Reading)
	var given context.Context
	_, err := ReadOpened(t.Context(), path, func(ctx context.Context) (*ordinary.File, error) {
		given = ctx
		return ordinary.OpenContext(ctx, path)
	}, Limits{Timeout: 200 * time.Millisecond})
	var e *Error
	if !errors.As(err, &e) || e.Reason != Unreadable || !errors.Is(err, patient.ErrSilent) {
		t.Errorf("got %v", err)
	}
	if given == nil || given.Err() == nil {
		t.Error("the file is read on")
	}
}
