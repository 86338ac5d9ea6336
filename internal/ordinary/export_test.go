package ordinary

import (
	"testing"
	"time"

	"polylens/internal/patient"
)

// Hurry makes calls that are not answered be left soon, for a test.
func Hurry(t *testing.T, patience time.Duration) {
	t.Helper()
	before := files
	files = patient.New(patient.Limits{Patience: patience, Grace: 10 * time.Millisecond, PerFolder: 4, Total: 16})
	t.Cleanup(func() { files = before })
}
