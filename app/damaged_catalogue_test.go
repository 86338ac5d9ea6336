package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"polylens/app/doctor"
	"polylens/indexer/catalog/database"
	"polylens/internal/needs"
)

// TestDamagedCatalogue: the program refuses a damaged catalogue with one line, the doctor
// names it and fails, and the command that both give restores the newest backup.
func TestDamagedCatalogue(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	f := newFolders(t)
	path := filepath.Join(f.data, "catalogue.db")
	store, err := database.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.CreateCollection(t.Context(), "kept", 0); err != nil {
		t.Fatal(err)
	}
	backup, err := store.BackUp(t.Context())
	if err != nil || backup == nil {
		t.Fatalf("backup %+v, %v", backup, err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if found := f.catalogueFinding(t); found.State != doctor.OK {
		t.Errorf("undamaged: %+v", found)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, arguments := range [][]string{{"serve", "--addr", "127.0.0.1:0"}, {"collection", "list"}} {
		f.fail(t, exitFailure, []string{"damaged", path, backup.Path, "cp -p"}, arguments...)
	}
	found := f.catalogueFinding(t)
	_, command, _ := strings.Cut(found.Remedy, "restore it with: ")
	if found.State != doctor.Problem || !strings.Contains(found.Detail, "damaged") || command == "" || strings.Contains(command, ";") || strings.Contains(command, ">") {
		t.Fatalf("the doctor says %+v", found)
	}
	if got := f.run(t, "doctor"); got.code == exitSuccess {
		t.Errorf("the doctor is content: %+v", got)
	}
	if output, err := exec.CommandContext(t.Context(), "sh", "-c", command).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v, %s", command, err, output)
	}
	if listed := f.succeed(t, "collection", "list"); !strings.Contains(listed, "kept") {
		t.Errorf("restored: %s", listed)
	}
	if _, err := os.Stat(filepath.Join(f.data, database.DamagedFolder, "catalogue.db")); err != nil {
		t.Errorf("the damaged file is not kept: %v", err)
	}
}

// catalogueFinding is what the doctor says of the catalogue.
func (f folders) catalogueFinding(t *testing.T) doctor.Finding {
	t.Helper()
	for _, found := range objects[doctor.Finding](t, f.run(t, "doctor", "--json").stdout) {
		if found.Check == "catalogue" {
			return found
		}
	}
	t.Fatal("the doctor says nothing of the catalogue")
	return doctor.Finding{}
}
