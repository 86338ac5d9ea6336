package main

import "testing"

// --decode-memory bounds searches, indexing and trainings together, not each.
func TestDecodersShareTheirMemory(t *testing.T) {
	p := newProgram(globals{DecodeMiB: 64}, terminal{}, nil)
	if one, other := p.decodeLimits().Budget, p.decodeLimits().Budget; one == nil || one != other {
		t.Error("each has a budget of its own")
	}
}
