package milvus

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func openTestFolder(t *testing.T, path string) *dataFolder {
	t.Helper()
	folder, err := openDataFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(folder.close)
	return folder
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	first := openTestFolder(t, path)
	_, err := openDataFolder(path)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("second opening: %v", err)
	}
	first.close()
	openTestFolder(t, path)
	if _, err := openDataFolder(""); err == nil {
		t.Error("no folder is accepted")
	}
}

func TestPassword(t *testing.T) {
	folder := openTestFolder(t, t.TempDir())
	first, err := folder.password()
	if err != nil || len(first) < 20 {
		t.Fatalf("%q, %v", first, err)
	}
	if second, err := folder.password(); second != first || err != nil {
		t.Errorf("%q, then %q, %v", first, second, err)
	}
}

// TestKillLeftovers: a process that the folder remembers is ended, one that
// merely has the same number is not.
func TestKillLeftovers(t *testing.T) {
	folder := openTestFolder(t, t.TempDir())
	if killed, err := folder.killLeftovers(); killed != 0 || err != nil {
		t.Errorf("a new folder: %d, %v", killed, err)
	}
	left, other := sleeper(t), sleeper(t)
	if err := folder.remember(left.Process.Pid); err != nil {
		t.Fatal(err)
	}
	who, err := identify(other.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	who.Start = "1"
	add(t, folder, who)
	killed, err := folder.killLeftovers()
	if killed != 1 || err != nil {
		t.Errorf("killed %d, %v, want 1", killed, err)
	}
	if _, err := identify(left.Process.Pid); err == nil {
		t.Error("the process left behind still runs")
	}
	if _, err := identify(other.Process.Pid); err != nil {
		t.Error("another process was killed")
	}
	if err := os.WriteFile(folder.processes(), []byte("[{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if killed, err := folder.killLeftovers(); killed != 0 || err != nil {
		t.Errorf("a damaged file: %d, %v", killed, err)
	}
}

func sleeper(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

// add puts one more identity into processes.json.
func add(t *testing.T, folder *dataFolder, who identity) {
	t.Helper()
	text, err := os.ReadFile(folder.processes())
	if err != nil {
		t.Fatal(err)
	}
	var known []identity
	if err := json.Unmarshal(text, &known); err != nil {
		t.Fatal(err)
	}
	if text, err = json.Marshal(append(known, who)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder.processes(), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWaitGone(t *testing.T) {
	if waitGone(os.Getpid(), 30*time.Millisecond) {
		t.Error("this process has not ended")
	}
	if !waitGone(0, time.Second) {
		t.Error("there is no process 0")
	}
}

func TestRotating(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.log")
	log, err := openWords(path, 100)
	if err != nil {
		t.Fatal(err)
	}
	if log.tail() != "(none)" {
		t.Errorf("tail of nothing: %q", log.tail())
	}
	for i := range 50 {
		fmt.Fprintf(log, "line %02d\n", i)
	}
	log.Close()
	if n, err := fmt.Fprintln(log, "after the end"); n != 14 || err != nil {
		t.Errorf("writing after the end: %d, %v", n, err)
	}
	for _, name := range []string{path, path + ".1"} {
		if info, err := os.Stat(name); err != nil || info.Size() > 100 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if text, _ := os.ReadFile(path); !strings.HasSuffix(string(text), "line 49\n") {
		t.Errorf("last lines: %q", text)
	}
	if !strings.HasSuffix(log.tail(), "line 49\nafter the end") {
		t.Errorf("tail %q", log.tail())
	}
}

func TestSettings(t *testing.T) {
	folder := openTestFolder(t, filepath.Join(t.TempDir(), `odd "name" ü: #`))
	first, err := folder.choosePorts(false)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, port := range first.all() {
		if seen[*port] || *port < 1024 {
			t.Errorf("port %d twice or reserved", *port)
		}
		seen[*port] = true
	}
	if err := folder.writeSettings(first, false); err != nil {
		t.Fatal(err)
	}
	var settings struct {
		Common struct {
			Session  struct{ TTL int }
			Security struct{ AuthorizationEnabled bool }
		}
		Proxy struct{ Port int }
		Etcd  struct{ Data struct{ Dir string } }
	}
	text, err := os.ReadFile(filepath.Join(folder.path, "configs", "milvus.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &settings); err != nil {
		t.Fatal(err)
	}
	if settings.Common.Session.TTL != 5 || !settings.Common.Security.AuthorizationEnabled ||
		settings.Proxy.Port != first.proxy || settings.Etcd.Data.Dir != filepath.Join(folder.path, "etcd") {
		t.Errorf("%+v", settings)
	}
	for _, variable := range serverEnvironment("/server", "/data", first) {
		if strings.Contains(variable, "KEY") || strings.Contains(variable, "TOKEN") {
			t.Errorf("the environment passes on %s", variable)
		}
	}
}

// TestReasonOutlivesStacks: the line that says why a server ends is kept, though the
// stacks behind it are longer than what is, and comes in pieces; the next server's is
// another.
func TestReasonOutlivesStacks(t *testing.T) {
	log, err := openWords(filepath.Join(t.TempDir(), "log"), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	write := func(words ...string) {
		for _, part := range words {
			if _, err := log.Write([]byte(part)); err != nil {
				t.Fatal(err)
			}
		}
	}
	write("starting\npan", "ic: the log is broken\ngoroutine 1\n", strings.Repeat("main()\n", tailSize), "keeper of Milvus: exit status 2\n")
	if log.tail() != "panic: the log is broken" || log.lastLine() != "keeper of Milvus: exit status 2" {
		t.Errorf("tail %q, last line %q", log.tail(), log.lastLine())
	}
	log.begin()
	write("starting again\n")
	if log.tail() != "starting again" {
		t.Errorf("tail of the next server %q", log.tail())
	}
}

func TestReason(t *testing.T) {
	for words, want := range map[string]string{
		"starting\nready": "starting\nready",
		"starting\npanic: no space left on device\n\ngoroutine 1:\nmain()": "panic: no space left on device",
		"[x] fatal error: all asleep\nmain()":                              "fatal error: all asleep",
	} {
		if got := reason(words); got != want {
			t.Errorf("of %q the reason is %q, want %q", words, got, want)
		}
	}
}

// TestPortsStay: a server without a network of its own comes back on its ports unless
// one of them is taken, or the note of them is damaged.
func TestPortsStay(t *testing.T) {
	folder := openTestFolder(t, t.TempDir())
	choose := func() ports {
		t.Helper()
		chosen, err := folder.choosePorts(false)
		if err != nil {
			t.Fatal(err)
		}
		return chosen
	}
	first := choose()
	if again := choose(); again != first {
		t.Errorf("ports %+v, then %+v", first, again)
	}
	taken, err := net.Listen("tcp", fmt.Sprintf(":%d", first.metrics))
	if err != nil {
		t.Fatal(err)
	}
	second := choose()
	taken.Close()
	if second.metrics == first.metrics {
		t.Errorf("port %d is taken, and chosen", first.metrics)
	}
	if again := choose(); again != second {
		t.Errorf("ports %+v, then %+v", second, again)
	}
	for _, text := range []string{"", "[", "[1,2]", `{"proxy":1}`, "[0,0,0,0,0,0,0,0,0,0,0,-1]", "[99999,0,0,0,0,0,0,0,0,0,0,0]"} {
		if err := os.WriteFile(folder.portsFile(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		choose()
	}
	if own, err := folder.choosePorts(true); own != defaultPorts() || err != nil {
		t.Errorf("in a network of its own: %+v, %v", own, err)
	}
}
