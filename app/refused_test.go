package main

import (
	"strings"
	"testing"

	"polylens/app/doctor"
	"polylens/internal/hardened"
	"polylens/internal/needs"
)

// withoutCage is a data folder on a system that lets Milvus not be shut off from the
// network.
func withoutCage(t *testing.T) folders {
	t.Helper()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f := newFolders(t)
	f.env = append(f.env, hardened.Variable+"="+hardened.Namespaces+","+hardened.Listeners)
	return f
}

// isolation is what the doctor says of the embedded Milvus.
func isolation(t *testing.T, got result) doctor.Finding {
	t.Helper()
	for _, found := range objects[doctor.Finding](t, got.stdout) {
		if found.Check == "isolation" {
			return found
		}
	}
	t.Fatalf("the doctor says nothing of it: %s", got.stdout)
	return doctor.Finding{}
}

var threeRemedies = []string{"max_user_namespaces", "--milvus HOST:PORT", "--expose-milvus"}

// TestRefusesToExposeMilvus: every command that needs Milvus fails in one line that
// says what can be done, and the doctor says the same.
func TestRefusesToExposeMilvus(t *testing.T) {
	f := withoutCage(t)
	for _, arguments := range [][]string{
		{"serve", "--addr", "127.0.0.1:0", "--log-level", "error"},
		{"index", t.TempDir(), "--collection", "refused"},
		{"search", "apple", "--collection", "refused"},
	} {
		f.fail(t, exitFailure, threeRemedies, arguments...) // and serve does not say before that it listens
	}
	got := f.run(t, "doctor", "--json")
	found := isolation(t, got)
	if got.code != exitFailure || found.State != doctor.Problem || strings.Contains(found.Detail, "with a password") {
		t.Errorf("code %d, %+v", got.code, found)
	}
	for _, remedy := range threeRemedies {
		if !strings.Contains(found.Remedy, remedy) {
			t.Errorf("the doctor's remedy %q does not name %s", found.Remedy, remedy)
		}
	}
}

// TestExposesMilvusIfTold: the flag, or its variable, is the one way to run it so, and
// that is said.
func TestExposesMilvusIfTold(t *testing.T) {
	f := withoutCage(t)
	found := isolation(t, f.run(t, "doctor", "--json", "--expose-milvus"))
	if found.State != doctor.Warning || !strings.Contains(found.Detail, "every address of this machine") || !strings.Contains(found.Remedy, "firewall") {
		t.Errorf("%+v", found)
	}
	f.env = append(f.env, "POLYLENS_EXPOSE_MILVUS=1")
	pictures := t.TempDir()
	drawFolder(t, pictures, 1, 2)
	got := f.run(t, "index", pictures, "--collection", "exposed")
	if got.code != exitSuccess || !strings.Contains(got.stderr, "reachable from outside") {
		t.Errorf("code %d: %s%s", got.code, got.stdout, got.stderr)
	}
}

// TestExposureIsNotTakenWhereThereIsACage: accepting it changes nothing on a system
// that can isolate Milvus.
func TestExposureIsNotTakenWhereThereIsACage(t *testing.T) {
	needs.ONNXRuntime(t)
	f := newFolders(t)
	f.env = append(f.env, hardened.Variable+"="+hardened.Namespaces) // signed sockets are left
	if found := isolation(t, f.run(t, "doctor", "--json", "--expose-milvus")); found.State != doctor.OK || !strings.Contains(found.Detail, "signed") {
		t.Errorf("%+v", found)
	}
}
