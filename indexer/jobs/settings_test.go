package jobs

import (
	"testing"
	"time"
)

// The worst case of a takeover: the worker died right after a heartbeat, a look
// for silent workers was just over, the next one and the claim take as long as a
// call may.
func TestDefaultsTakeOverInTime(t *testing.T) {
	s := Settings{}.complete()
	if worst := s.Lease + s.Poll + callLimit; worst >= 30*time.Second {
		t.Errorf("takes over after up to %v, want less than 30 s", worst)
	}
	if s.Heartbeat+callLimit > s.Lease {
		t.Errorf("a heartbeat of %v with calls of up to %v comes too late for a lease of %v", s.Heartbeat, callLimit, s.Lease)
	}
}

func TestExponential(t *testing.T) {
	backoff := Exponential(time.Second, time.Minute)
	for failures, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 6: 32 * time.Second, 7: time.Minute, 1000: time.Minute} {
		if got := backoff(failures); got != want {
			t.Errorf("waits %v after %d failures, want %v", got, failures, want)
		}
	}
}
