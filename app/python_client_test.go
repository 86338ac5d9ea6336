package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"polylens/internal/needs"
)

// pythonPrograms names the folder of the programs; see web/testdata/python.
const pythonPrograms = "POLYLENS_PYTHON"

// TestPythonClient makes a client in Python of what the server says of itself, with nothing
// left out, and uses it.
func TestPythonClient(t *testing.T) {
	programs := os.Getenv(pythonPrograms)
	if programs == "" {
		t.Skip(pythonPrograms + " is not set: “make python-client” does that")
	}
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	server := newFolders(t).serve(t)
	server.waitReady(t)
	pictures, work := t.TempDir(), t.TempDir()
	drawFolder(t, pictures, 1, 12)
	description := filepath.Join(work, "openapi.json")
	writeFile(t, description, server.get(t, "/openapi.json", http.StatusOK))
	python := func(name string, arguments ...string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		command := exec.CommandContext(ctx, filepath.Join(programs, name), arguments...)
		command.Env = append(os.Environ(), "PYTHONPATH="+filepath.Join(work, "client"))
		said, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, said)
		}
		return string(said)
	}
	made := python("openapi-python-client", "generate", "--path", description, "--config", "../docs/python-client.yaml", "--output-path", filepath.Join(work, "client"))
	if strings.Contains(made, "Unsupported") || strings.Contains(made, "parsing") {
		t.Errorf("the generator leaves something out:\n%s", made)
	}
	t.Log(python("python", "../web/testdata/python/use.py", "http://"+server.address, pictures))
}
