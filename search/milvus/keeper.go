package milvus

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"polylens/internal/hook"
)

// childVariable marks a process as a child of this package and carries its childTask.
const childVariable = "POLYLENS_MILVUS_CHILD"

// keeperName begins what the keeper says of its own end, which is that of Milvus.
const keeperName = "keeper of Milvus"

// hooked is whether MaybeRunChild has been called.
var hooked = hook.New("milvus.MaybeRunChild")

// childTask is what a child has to do: one of these.
type childTask struct {
	Keep    *keeperTask `json:",omitempty"`
	Launch  *launchTask `json:",omitempty"`
	StandIn bool        `json:",omitempty"` // for Milvus, in a trial
}

// Files that the keeper inherits.
const (
	reportFile = 3 // pipe for one keeperReport
	doorFile   = 4 // listening Unix socket
)

// keeperTask is what a keeper has to do.
type keeperTask struct {
	Cage   cage
	Trial  bool     // only find out whether the cage works
	Port   int      // of Milvus' proxy
	Binary string   // of Milvus
	Dir    string   // its working folder
	Env    []string // its whole environment
}

// MaybeRunChild must be the first statement of main, and of TestMain in
// packages that start a server. In an ordinary process it does nothing. In the
// processes that keep Milvus and launch it (this same program, started by
// Start) it does that work and never returns: what follows it in main must not
// run there, which is why it ends the process itself.
func MaybeRunChild() {
	hooked.Called(true)
	encoded, ok := os.LookupEnv(childVariable)
	if !ok {
		return
	}
	if err := runChild(encoded); err != nil {
		fmt.Fprintln(os.Stderr, keeperName+":", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func runChild(encoded string) error {
	runtime.LockOSThread() // whoever is forked here dies with this thread
	var task childTask
	if err := json.Unmarshal([]byte(encoded), &task); err != nil {
		return err
	}
	switch {
	case task.Keep != nil:
		return runKeeper(*task.Keep)
	case task.Launch != nil:
		return launch(*task.Launch)
	case task.StandIn:
		return standIn()
	}
	return errors.New("nothing to do")
}

// runKeeper starts Milvus in its cage, reports, guards the door and returns when
// Milvus has ended. In a trial it reports whether the cage works.
func runKeeper(task keeperTask) error {
	pipe := os.NewFile(reportFile, "report")
	var report keeperReport
	kept, err := begin(task)
	switch {
	case err != nil:
		report = reportOf(err)
	case kept != nil:
		report.PID = kept.command.Process.Pid
	}
	if err := json.NewEncoder(pipe).Encode(report); err != nil {
		return err
	}
	pipe.Close()
	if err != nil || kept == nil {
		return err
	}
	go guardDoor(kept.door, kept.dialer, fmt.Sprintf("127.0.0.1:%d", task.Port))
	return kept.command.Wait()
}

// kept is a Milvus that runs.
type kept struct {
	command *exec.Cmd
	door    *net.UnixListener
	dialer  net.Dialer // reaches it
}

// begin starts Milvus in its cage; in a trial it returns nil.
func begin(task keeperTask) (*kept, error) {
	if task.Cage.ownNetwork() {
		if err := raiseLoopback(); err != nil {
			return nil, err
		}
	}
	if task.Trial && task.Cage == signedSockets {
		return nil, trySigned()
	}
	if task.Trial {
		return nil, nil
	}
	if task.Cage.ownNetwork() {
		hideShared(task)
	}
	door, err := inheritedDoor()
	if err != nil {
		return nil, err
	}
	command := exec.Command(task.Binary, "run", "standalone")
	command.Dir, command.Env = task.Dir, task.Env
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if task.Cage != signedSockets {
		return &kept{command: command, door: door}, command.Start()
	}
	key := newKey()
	return &kept{command: command, door: door, dialer: key.dialer()}, startSigned(command, key)
}

// raiseLoopback brings up lo, which is down in a new network namespace.
func raiseLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket in the new network: %w", err)
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("bring up the loopback interface in the new network: %w", err)
	}
	return nil
}

// hideShared gives Milvus a /run and a /tmp of its own: it writes to /run/milvus and
// /tmp/milvus, whoever owns them, and another user's folders there can keep it from
// starting. It is best effort: with a single user it is not needed.
func hideShared(task keeperTask) {
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		fmt.Fprintln(os.Stderr, "keeper of Milvus: no folders of its own:", err)
		return
	}
	for _, dir := range []string{"/run", "/tmp"} {
		if holds(dir, task.Binary) || holds(dir, task.Dir) {
			continue // it would hide our own files
		}
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=16m,mode=0700"); err != nil {
			fmt.Fprintf(os.Stderr, "keeper of Milvus: no %s of its own: %v\n", dir, err)
		}
	}
}

// holds reports whether path is, or may be, inside dir.
func holds(dir, path string) bool {
	real, err := filepath.EvalSymlinks(path)
	return err != nil || strings.HasPrefix(real, dir+"/")
}

func inheritedDoor() (*net.UnixListener, error) {
	file := os.NewFile(doorFile, "door")
	defer file.Close()
	listener, err := net.FileListener(file)
	if err != nil {
		return nil, fmt.Errorf("inherited socket: %w", err)
	}
	door, ok := listener.(*net.UnixListener)
	if !ok {
		return nil, fmt.Errorf("inherited socket is a %T", listener)
	}
	door.SetUnlinkOnClose(false)
	return door, nil
}

// guardDoor gives everyone who comes a connection to address.
func guardDoor(door *net.UnixListener, dialer net.Dialer, address string) {
	for {
		visitor, err := door.AcceptUnix()
		if err != nil {
			time.Sleep(50 * time.Millisecond) // out of files, say
			continue
		}
		go handOver(visitor, dialer, address)
	}
}

// handOver dials address and sends the connected socket itself, or the reason
// why there is none.
func handOver(visitor *net.UnixConn, dialer net.Dialer, address string) {
	defer visitor.Close()
	_ = visitor.SetDeadline(time.Now().Add(10 * time.Second))
	dialer.Timeout = 5 * time.Second
	conn, err := dialer.Dial("tcp4", address)
	if err != nil {
		_, _ = visitor.Write([]byte(err.Error()))
		return
	}
	defer conn.Close()
	file, err := conn.(*net.TCPConn).File()
	if err != nil {
		_, _ = visitor.Write([]byte(err.Error()))
		return
	}
	defer file.Close()
	_ = sendFile(visitor, int(file.Fd()))
}
