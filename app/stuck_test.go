package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/internal/needs"
	"polylens/web"
)

// endless is a template whose loops would take longer than anybody waits.
const endless = `{{range 100000}}{{range 100000}}{{range 100000}}{{end}}{{end}}{{end}}`

// strangeFiles are paths of what is no ordinary file: an end of a pipe that nobody
// writes to, a link to it, devices, and a file of the kernel.
func strangeFiles(t testing.TB) []string {
	t.Helper()
	folder := t.TempDir()
	pipe, link := filepath.Join(folder, "pipe.csv"), filepath.Join(folder, "link.tar")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(pipe, link); err != nil {
		t.Fatal(err)
	}
	strange := []string{pipe, link, "/dev/zero", os.DevNull}
	if _, err := os.Stat("/proc/self/status"); err == nil {
		strange = append(strange, "/proc/self/status")
	}
	return strange
}

// TestStuckOrders: orders that name files that never answer are refused at once, a
// template that never ends costs the run no more than its texts, and a server that was
// given all of them ends
// in order, with what Milvus holds on the disk.
func TestStuckOrders(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f := newFolders(t)
	server := f.serve(t)
	server.waitReady(t)
	f.index(t, trainPictures(t, 12))
	for i, path := range strangeFiles(t) {
		for _, data := range []string{`{"pairs":[%q],"guard":"none"}`, `{"collection":"c","guard":%q}`} {
			body := fmt.Sprintf(`{"name":"strange%d","config":{"data":`+data+`}}`, i, path)
			answer := server.post(t, "/api/v1/runs", "application/json", body, http.StatusUnprocessableEntity)
			if !strings.Contains(answer, "not an ordinary file") {
				t.Errorf("%s: %s", path, answer)
			}
		}
	}
	run := server.order(t, "looping", trainConfig("tiny", 2, fmt.Sprintf(`,"data":{"fields":[%q,"{{index .Tags 0}}"],"guard":"none"}`, endless)))
	for deadline := time.Now().Add(2 * time.Minute); run.State != catalog.RunFailed && run.State != catalog.RunFinished; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("run with a template that loops: %+v", run)
		}
		run = server.runAt(t, server.get(t, "/api/v1/runs/"+run.ID, http.StatusOK))
	}
	if code := server.stop(t, syscall.SIGTERM); code != exitSuccess || !strings.Contains(server.log(), "flushed=true") {
		t.Errorf("SIGTERM ends the server with %d:\n%s", code, server.log())
	}
}

// TestTerminatedWhileTraining: a server that trains ends in order, too: the run is
// stopped with a checkpoint, and what Milvus holds is on the disk.
func TestTerminatedWhileTraining(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f := newFolders(t)
	server := f.serve(t)
	server.waitReady(t)
	f.index(t, trainPictures(t, 12))
	run := server.order(t, "long", trainConfig("tiny", 1_000_000, noGuardField))
	server.await(t, run, "training", func(run web.Run) bool { return run.Step > 2 })
	if code := server.stop(t, syscall.SIGTERM); code != exitSuccess || !strings.Contains(server.log(), "flushed=true") {
		t.Errorf("SIGTERM ends the server with %d:\n%s", code, server.log())
	}
	if points, err := filepath.Glob(filepath.Join(f.data, "runs", "long", "checkpoints", "*")); err != nil || len(points) == 0 {
		t.Errorf("checkpoints %q, %v", points, err)
	}
	if info, err := os.Stat(filepath.Join(f.data, "runs")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder of runs: %v, %v", info.Mode(), err)
	}
}

// TestFewOpenFiles: where a limit would let everything fail somewhere in the middle, one
// line says the limit, what is needed and how to raise it; doctor says it as well.
func TestFewOpenFiles(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	f := newFolders(t)
	for _, limit := range []int{24, 64, 100} {
		command := f.command(context.Background(), "serve", "--addr", "127.0.0.1:0")
		command.Args = append([]string{shell, "-c", fmt.Sprintf(`ulimit -n %d; exec "$0" "$@"`, limit), command.Path}, command.Args[1:]...)
		command.Path = shell
		said, err := command.CombinedOutput()
		text := string(said)
		if err == nil || strings.Count(text, "\n") != 1 || !strings.Contains(text, fmt.Sprintf("only %d files open", limit)) ||
			!strings.Contains(text, "needs 512") || !strings.Contains(text, "ulimit -Hn") {
			t.Errorf("with %d files: %v, %s", limit, err, text)
		}
	}
	command := f.command(context.Background(), "doctor")
	command.Args = append([]string{shell, "-c", `ulimit -n 64; exec "$0" "$@"`, command.Path}, command.Args[1:]...)
	command.Path = shell
	if said, err := command.CombinedOutput(); err == nil || !strings.Contains(string(said), "only 64 files open") {
		t.Errorf("doctor with 64 files: %v, %s", err, said)
	}
}

// TestOldDataFolder: what an older version left open to everybody is closed when the
// folder is taken, in a folder that others may look into as well.
func TestOldDataFolder(t *testing.T) {
	f := newFolders(t)
	models := filepath.Join(f.data, "models")
	for _, path := range []string{f.data, models} {
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o755); err != nil { // whatever the umask
			t.Fatal(err)
		}
	}
	got := f.run(t, "job", "list", "--log-level", "info")
	info, err := os.Stat(models)
	if err != nil || info.Mode().Perm() != 0o700 || !strings.Contains(got.stderr, models) {
		t.Errorf("%v, %v, and the program says %s", info.Mode(), err, got.stderr)
	}
}
