package blob

import (
	"errors"
	"testing"
)

// TestPutContentOnDisk: a picture that somebody has put there until Sync is on the disk once
// PutContent, which waits for no Sync, has returned. A disk that cannot be flushed shows
// whether it was.
func TestPutContentOnDisk(t *testing.T) {
	s, _ := newStore(t)
	if s.disk == nil {
		t.Skip("each file is flushed on its own here")
	}
	const sum, text = "abcdef", "picture"
	if err := errors.Join(s.PutContentUntilSync(t.Context(), sum, []byte(text)), s.disk.folder.Close()); err != nil {
		t.Fatal(err)
	}
	if err := s.PutContentUntilSync(t.Context(), sum, []byte(text)); err != nil {
		t.Errorf("until Sync: %v", err)
	}
	if err := s.PutContent(t.Context(), sum, []byte(text)); err == nil {
		t.Error("it was not flushed")
	}
}
