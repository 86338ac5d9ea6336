package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"polylens/internal/needs"
)

// schemathesisProgram names the program; see web/testdata/schemathesis.
const schemathesisProgram = "POLYLENS_SCHEMATHESIS"

// TestSchemathesis asks a server all that its description allows, and what it does not.
// The answers must be as the description says, and none may blame the server.
func TestSchemathesis(t *testing.T) {
	program := os.Getenv(schemathesisProgram)
	if program == "" {
		t.Skip(schemathesisProgram + " is not set: “make schemathesis” does that")
	}
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	server := newFolders(t).serve(t, "--demo")
	server.waitReady(t)
	server.waitDemo(t)
	pictures := t.TempDir()
	drawFolder(t, pictures, 1, 4)
	rules, err := filepath.Abs("../web/testdata/schemathesis")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 12*time.Minute)
	defer cancel()
	asking := exec.CommandContext(ctx, program, "--config-file", "schemathesis.toml", "run", "http://"+server.address+"/openapi.json")
	asking.Dir = t.TempDir() // it writes beside itself
	if err := os.CopyFS(asking.Dir, os.DirFS(rules)); err != nil {
		t.Fatal(err)
	}
	asking.Env = append(os.Environ(), "SCHEMATHESIS_HOOKS=hooks", "PYTHONPATH=.", "PYTHONHASHSEED=0", "POLYLENS_FOLDER="+pictures)
	said, err := asking.CombinedOutput()
	t.Logf("%s", said)
	if err != nil {
		t.Errorf("%v", err)
	}
	for line := range strings.Lines(server.log()) {
		if strings.Contains(line, "internal error") || strings.Contains(line, "panic") {
			t.Errorf("the server says %s", line)
		}
	}
	if code := server.stop(t, syscall.SIGTERM); code != exitSuccess {
		t.Errorf("SIGTERM ends the server with %d:\n%s", code, server.log())
	}
}

// waitDemo waits until the demo is indexed.
func (s *server) waitDemo(t testing.TB) {
	t.Helper()
	for end := time.Now().Add(10 * time.Minute); ; time.Sleep(time.Second) {
		if code, body := s.fetch(t, "/api/v1/jobs?state=succeeded"); code == http.StatusOK && strings.Contains(body, `"kind":"index"`) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the demo is not indexed:\n%s", s.log())
		}
	}
}
