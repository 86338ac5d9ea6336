package milvus

import (
	"encoding/json"
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
)

// childVariable marks a process as a keeper and carries its keeperTask.
const childVariable = "POLYLENS_MILVUS_CHILD"

// Files that the keeper inherits.
const (
	doorFile   = 3 // listening Unix socket
	reportFile = 4 // pipe for one keeperReport
)

// keeperTask is what a keeper has to do.
type keeperTask struct {
	Isolated bool     // it was born in a network namespace of its own
	Probe    bool     // only find out whether that works
	Port     int      // of Milvus' proxy
	Binary   string   // of Milvus
	Dir      string   // its working folder
	Env      []string // its whole environment
}

// keeperReport is its first and only word.
type keeperReport struct {
	PID   int    `json:",omitempty"` // of Milvus
	Error string `json:",omitempty"`
}

// MaybeRunChild must be the first statement of main, and of TestMain in
// packages that start a server. In an ordinary process it does nothing. In the
// process that keeps Milvus in its namespace (this same program, started by
// Start) it does that work and never returns: what follows it in main must not
// run there, which is why it ends the process itself.
func MaybeRunChild() {
	encoded, ok := os.LookupEnv(childVariable)
	if !ok {
		return
	}
	if err := runKeeper(encoded); err != nil {
		fmt.Fprintln(os.Stderr, "keeper of Milvus:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func runKeeper(encoded string) error {
	runtime.LockOSThread() // Milvus dies with the thread that forks it: this one
	var task keeperTask
	if err := json.Unmarshal([]byte(encoded), &task); err != nil {
		return err
	}
	if task.Isolated {
		if err := raiseLoopback(); err != nil {
			return err
		}
	}
	if task.Probe {
		return nil
	}
	if task.Isolated {
		hideShared(task)
	}
	return keep(task)
}

// keep starts Milvus, guards the door and returns when Milvus has ended.
func keep(task keeperTask) error {
	report := os.NewFile(reportFile, "report")
	listener, err := inheritedDoor()
	if err != nil {
		return err
	}
	cmd := exec.Command(task.Binary, "run", "standalone")
	cmd.Dir, cmd.Env = task.Dir, task.Env
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	word := keeperReport{}
	startErr := cmd.Start()
	if startErr != nil {
		word.Error = startErr.Error()
	} else {
		word.PID = cmd.Process.Pid
	}
	if err := json.NewEncoder(report).Encode(word); err != nil {
		return err
	}
	report.Close()
	if startErr != nil {
		return startErr
	}
	go guardDoor(listener, fmt.Sprintf("127.0.0.1:%d", task.Port))
	return cmd.Wait()
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
func guardDoor(door *net.UnixListener, address string) {
	for {
		visitor, err := door.AcceptUnix()
		if err != nil {
			time.Sleep(50 * time.Millisecond) // out of files, say
			continue
		}
		go handOver(visitor, address)
	}
}

// handOver dials address and sends the connected socket itself, or the reason
// why there is none.
func handOver(visitor *net.UnixConn, address string) {
	defer visitor.Close()
	_ = visitor.SetDeadline(time.Now().Add(10 * time.Second))
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
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
	_, _, _ = visitor.WriteMsgUnix([]byte{doorOpen}, unix.UnixRights(int(file.Fd())), nil)
}
