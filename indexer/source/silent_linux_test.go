package source

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"polylens/internal/hangtest"
)

// TestHangingGate: a folder that does not answer holds nobody who wants no answer any more,
// and is not taken for none.
func TestHangingGate(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "disk")
	write(t, folder, map[string]string{"a.png": "1234"})
	known, err := IdentityOf(t.Context(), fileURI(folder))
	if known == "" || err != nil {
		t.Fatalf("got %q, %v", known, err)
	}
	release := hangtest.Hang(t, folder, hangtest.Opening|unix.FAN_ONDIR)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if found, err := IdentityOf(ctx, fileURI(folder)); found != "" || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %q, %v", found, err)
	}
	if waited := time.Since(began); waited > 20*time.Second { // of 30 that a call is waited for
		t.Errorf("it was waited for %v", waited)
	}
	if _, err := SizeOf(ctx, fileURI(filepath.Join(folder, "a.png"))); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nobody wants a size, and gets %v", err)
	}
	release()
	if again, err := IdentityOf(t.Context(), fileURI(folder)); again != known || err != nil {
		t.Errorf("it answers again: %q, %v, want %q", again, err, known)
	}
	if size, err := SizeOf(t.Context(), fileURI(filepath.Join(folder, "a.png"))); size != 4 || err != nil {
		t.Errorf("%d bytes, %v", size, err)
	}
}
