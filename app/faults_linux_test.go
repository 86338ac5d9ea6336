package main

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"polylens/internal/disktest"
	"polylens/internal/needs"
)

// How many faults TestFaults makes, and of which seed: by default one of each kind, and
// another seed each time.
const (
	faultsVariable = "POLYLENS_FAULTS"
	seedVariable   = "POLYLENS_FAULTS_SEED"
)

// enoughDisk is the size of the disk between the faults, in bytes. It is in memory.
const enoughDisk = 2 << 30

// fault is something that goes wrong while, or before, a folder is indexed.
type fault struct {
	name string
	make func(r *ordeal, t *testing.T)
}

var faults = []fault{
	{"kill of Polylens", (*ordeal).kill},
	{"kill of Milvus", (*ordeal).killMilvus},
	{"stop", (*ordeal).stop},
	{"full disk", (*ordeal).fillDisk},
	{"damaged index", (*ordeal).damageIndex},
	{"vanished folder", (*ordeal).vanish},
	{"clock jump", (*ordeal).jump},
}

// ordeal is a data folder to which faults happen.
type ordeal struct {
	folders
	disk     disktest.Disk
	random   *rand.Rand
	pictures string
	clock    string
}

// TestFaults makes faults of every kind at random moments while the real program indexes a
// folder that changes all the time, with the real Milvus, on a disk of its own. In the
// end, one ordinary run leaves the same catalogue and the same index as a run that
// nothing has disturbed.
func TestFaults(t *testing.T) {
	t.Parallel() // it waits for servers most of the time
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	disktest.Run(t, enoughDisk, func(t *testing.T, disk disktest.Disk) {
		count, seed := numberFrom(t, faultsVariable, len(faults)), numberFrom(t, seedVariable, int(time.Now().UnixNano()>>10))
		t.Logf("%d faults of seed %d", count, seed)
		r := &ordeal{disk: disk, random: rand.New(rand.NewPCG(uint64(seed), 18)), pictures: filepath.Join(t.TempDir(), "pictures"), clock: filepath.Join(t.TempDir(), "clock")}
		r.folders = folders{data: filepath.Join(disk.Folder, "data"), env: []string{clockVariable + "=" + r.clock}}
		r.setClock(t, 0)
		if err := os.Mkdir(r.pictures, 0o700); err != nil {
			t.Fatal(err)
		}
		drawFolder(t, r.pictures, 1, 50)
		r.endure(t, count)
		r.compare(t)
	})
}

func numberFrom(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// endure makes faults: every kind as often as the others, in random order.
func (r *ordeal) endure(t *testing.T, count int) {
	t.Helper()
	made := make(map[string]int)
	var order []int
	began := time.Now()
	for n := range count {
		if len(order) == 0 {
			order = r.random.Perm(len(faults))
		}
		fault := faults[order[0]]
		order = order[1:]
		made[fault.name]++
		t.Logf("%v: fault %d: %s", time.Since(began).Round(time.Second), n+1, fault.name)
		fault.make(r, t)
		if t.Failed() {
			t.FailNow()
		}
		change(t, r.random, r.pictures, 80, 6)
	}
	t.Logf("%d faults in %v: %v", count, time.Since(began).Round(time.Second), made)
}

// compare compares what the faults have left with what a run without any leaves.
func (r *ordeal) compare(t *testing.T) {
	t.Helper()
	r.setClock(t, 0)
	if got := r.index(t, r.pictures); got.State != "succeeded" || got.Progress.Failed > 0 {
		t.Fatalf("the run after the faults: %+v", got)
	}
	undisturbed := newFolders(t)
	undisturbed.index(t, r.pictures)
	compareStates(t, r.state(t), undisturbed.state(t))
	if found := r.run(t, "check", "--json"); found.code != exitSuccess {
		t.Errorf("the check says %+v", found)
	}
}

// indexing is a run of the program.
type indexing struct {
	command *exec.Cmd
	output  bytes.Buffer
	ended   chan struct{} // closed at the end
}

func (r *ordeal) begin(t *testing.T) *indexing {
	t.Helper()
	run := &indexing{ended: make(chan struct{})}
	run.command = r.command(context.Background(), "index", r.pictures, "--collection", "c", "--log-level", "info")
	run.command.Stdout, run.command.Stderr = &run.output, &run.output
	if err := run.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(run.ended)
		_ = run.command.Wait() // the exit code is read from its state
	}()
	return run
}

// moment lets some time pass, and returns false when the run ends before.
func (r *ordeal) moment(run *indexing, most time.Duration) bool {
	select {
	case <-time.After(time.Duration(r.random.Int64N(int64(most)))):
		return true
	case <-run.ended:
		return false
	}
}

// end waits for the end of a run, which succeeds, or with one of these exit codes.
func (run *indexing) end(t *testing.T, codes ...int) {
	t.Helper()
	select {
	case <-run.ended:
	case <-time.After(4 * time.Minute):
		_ = run.command.Process.Kill()
		t.Fatalf("Polylens hangs:\n%s", run.output.String())
	}
	got := run.command.ProcessState.ExitCode()
	for _, code := range append(codes, exitSuccess) {
		if got == code {
			return
		}
	}
	t.Errorf("Polylens ended with %d:\n%s", got, run.output.String())
}

// killed is the exit code of a process that a signal has ended.
const killed = -1

func (r *ordeal) kill(t *testing.T) {
	run := r.begin(t)
	if r.moment(run, 7*time.Second) {
		_ = run.command.Process.Kill()
	}
	run.end(t, killed)
}

func (r *ordeal) killMilvus(t *testing.T) {
	run := r.begin(t)
	r.waitMilvus(t, run.command.Process.Pid)
	if r.moment(run, 5*time.Second) {
		if pid := r.milvusPID(t, run.command.Process.Pid); pid != 0 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	run.end(t)
}

func (r *ordeal) stop(t *testing.T) {
	run := r.begin(t)
	if r.moment(run, 7*time.Second) {
		_ = run.command.Process.Signal(syscall.SIGTERM)
	}
	run.end(t, exitInterrupted, killed) // killed: before it could listen
}

// fillDisk leaves some megabytes, or none, for some seconds. Then the run goes on by
// itself, or is killed before.
func (r *ordeal) fillDisk(t *testing.T) {
	run := r.begin(t)
	if !r.moment(run, 6*time.Second) {
		run.end(t)
		return
	}
	r.disk.Leave(t, int64(r.random.IntN(3))*40<<20)
	r.moment(run, 6*time.Second)
	if r.random.IntN(2) == 0 {
		_ = run.command.Process.Kill()
	}
	r.disk.Resize(t, enoughDisk)
	run.end(t, killed, exitUnavailable, exitFailure) // it ends if it has only just begun
}

// damageIndex damages the data of Milvus. The run that follows mends all of it.
func (r *ordeal) damageIndex(t *testing.T) {
	milvus := filepath.Join(r.data, "milvus")
	if _, err := os.Stat(filepath.Join(milvus, "rocksmq")); err == nil {
		switch r.random.IntN(4) {
		case 0:
			r.remove(t, milvus)
		case 1:
			r.breakFiles(t, "milvus/etcd")
		case 2:
			r.breakFiles(t, "milvus/rocksmq")
		default:
			r.remove(t, filepath.Join(milvus, "rocksmq"))
		}
	}
	r.begin(t).end(t)
	aside, err := filepath.Glob(milvus + "-damaged-*")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range aside {
		r.remove(t, folder)
	}
}

func (r *ordeal) remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// vanish takes the folder of the pictures away, as an unmounted disk is, and brings it
// back.
func (r *ordeal) vanish(t *testing.T) {
	run := r.begin(t)
	r.moment(run, 6*time.Second)
	away := r.pictures + "-away"
	if err := os.Rename(r.pictures, away); err != nil {
		t.Fatal(err)
	}
	if r.random.IntN(2) == 0 { // what is left is where it was mounted
		if err := os.Mkdir(r.pictures, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	run.end(t, exitFailure, exitIncomplete, exitUsage)
	r.remove(t, r.pictures)
	if err := os.Rename(away, r.pictures); err != nil {
		t.Fatal(err)
	}
}

// jump sets the clock of the jobs up to three days forward or back.
func (r *ordeal) jump(t *testing.T) {
	run := r.begin(t)
	r.moment(run, 6*time.Second)
	const days = 3 * 24 * 3600
	r.setClock(t, r.random.IntN(2*days)-days)
	run.end(t)
}

func (r *ordeal) setClock(t *testing.T, wrong int) {
	t.Helper()
	if err := os.WriteFile(r.clock, []byte(strconv.Itoa(wrong)), 0o600); err != nil {
		t.Fatal(err)
	}
}
