package checkpoint

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Roles of the test program started again as a process that comes to an end.
const (
	role       = "POLYLENS_CHECKPOINT_TEST"
	roleFolder = "POLYLENS_CHECKPOINT_FOLDER"
)

func child(t *testing.T, name string, folder Folder) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	command.Env = append(os.Environ(), role+"="+name, roleFolder+"="+folder.Path)
	return command
}

// TestKilled kills a process that writes one checkpoint after the other, at
// random moments. What it said was saved must be there, whole.
func TestKilled(t *testing.T) {
	if os.Getenv(role) == "save" {
		saveForever(t, Folder{Path: os.Getenv(roleFolder)})
	}
	folder := Folder{Path: t.TempDir()}
	random := rand.New(rand.NewPCG(5, 5))
	var saved int64
	for range 20 {
		saved = max(saved, saveAndKill(t, folder, time.Duration(random.Int64N(int64(60*time.Millisecond)))))
		if saved == 0 {
			continue
		}
		loaded, err := folder.Load(t.Context(), run, nil)
		if err != nil || len(loaded.Passed) > 0 || loaded.Progress.Step < saved {
			t.Fatalf("step %d was saved, step %d is loaded, passing %v: %v", saved, loaded.Progress.Step, loaded.Passed, err)
		}
		expect(t, folder, loaded.Progress.Step)
	}
	if saved < 20 {
		t.Errorf("only %d checkpoints were written", saved)
	}
}

// saveForever goes on from what is there.
func saveForever(t *testing.T, folder Folder) {
	var step int64
	if loaded, err := folder.Load(t.Context(), run, nil); err == nil {
		step = loaded.Progress.Step
	} else if !errors.Is(err, ErrNone) {
		t.Fatal(err)
	}
	for step++; ; step++ {
		save(t, folder, progressAt(step))
		fmt.Printf("saved %d\n", step)
	}
}

// saveAndKill answers the last step that was saved for certain.
func saveAndKill(t *testing.T, folder Folder, delay time.Duration) (saved int64) {
	t.Helper()
	command := child(t, "save", folder)
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	started := false
	for lines.Scan() {
		if step := int64(0); scanned(lines.Text(), &step) {
			saved = step
			if !started {
				started = true
				time.AfterFunc(delay, func() { command.Process.Kill() })
			}
		} else if strings.Contains(lines.Text(), "FAIL") {
			t.Fatalf("the child failed: %s", lines.Text())
		}
	}
	if err := command.Wait(); command.ProcessState == nil {
		t.Fatal(err) // that it was killed is no error here
	}
	return saved
}

func scanned(line string, step *int64) bool {
	n, err := fmt.Sscanf(line, "saved %d", step)
	return n == 1 && err == nil
}

// TestFileTooLarge lets a real write fail half-way: the process may write no
// file beyond a size.
func TestFileTooLarge(t *testing.T) {
	if os.Getenv(role) == "limit" {
		signal.Ignore(unix.SIGXFSZ)
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 100, Max: 100}); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(os.Stderr, Folder{Path: os.Getenv(roleFolder)}.Save(t.Context(), progressAt(2), stateAt(2)))
		return
	}
	folder := Folder{Path: t.TempDir()}
	save(t, folder, progressAt(1))
	expectSpaceError(t, child(t, "limit", folder), folder)
}

// TestDiskFull writes to a disk of one megabyte, where the system lets a
// process mount one. The child mounts it for itself alone.
func TestDiskFull(t *testing.T) {
	if os.Getenv(role) == "full" {
		fillDisk(t, Folder{Path: os.Getenv(roleFolder)})
		return
	}
	folder := Folder{Path: t.TempDir()}
	if err := exec.CommandContext(t.Context(), "unshare", "-rm", "mount", "-t", "tmpfs", "none", folder.Path).Run(); err != nil {
		t.Skipf("no disk can be mounted here: %v", err)
	}
	command := child(t, "full", folder)
	script := fmt.Sprintf(`mount -t tmpfs -o size=2m none %q && exec "$@"`, folder.Path)
	command.Args = append([]string{"unshare", "-rm", "sh", "-c", script, "sh"}, command.Args...)
	command.Path, _ = exec.LookPath("unshare")
	output, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "--- PASS: "+t.Name()) {
		t.Fatalf("%v: %s", err, output)
	}
}

// fillDisk saves, leaves too little room for another checkpoint, and saves.
func fillDisk(t *testing.T, folder Folder) {
	save(t, folder, progressAt(1))
	write(t, folder.Path+"/ballast", make([]byte, freeSpace(folder.Path)-spare-1000))
	err := folder.Save(t.Context(), progressAt(2), stateAt(2))
	var full *SpaceError
	if !errors.As(err, &full) || full.Err != nil || full.Free > spare+2000 || !strings.Contains(err.Error(), folder.Path) {
		t.Errorf("before writing: %v", err)
	}
	write(t, folder.Path+"/rest", make([]byte, freeSpace(folder.Path)-2*4096))
	err = explainSpace(makeDirectory(folder.pathOf(2), func(dir string) error {
		return writeState(t.Context(), dir, progressAt(2), stateAt(2))
	}), folder.Path, 1000)
	if !errors.As(err, &full) || !errors.Is(full.Err, unix.ENOSPC) {
		t.Errorf("while writing: %v", err)
	}
	expect(t, folder, 1)
}

// expectSpaceError runs a child that tells its error, and demands that the
// checkpoint before is untouched.
func expectSpaceError(t *testing.T, command *exec.Cmd, folder Folder) {
	t.Helper()
	var text strings.Builder
	command.Stderr = &text
	if err := command.Run(); err != nil {
		t.Fatalf("the child: %v: %s", err, text.String())
	}
	needed, err := stateBytes(stateAt(2))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{fmt.Sprintf("%d bytes", needed), folder.Path, "file too large", "(that of step 1 stands)", "make room"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in %q", want, text.String())
		}
	}
	if loaded := expect(t, folder, 1); len(loaded.Passed) > 0 {
		t.Errorf("%v is left", loaded.Passed)
	}
	checkTidy(t, folder)
}
