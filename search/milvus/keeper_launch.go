package milvus

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// launchTask is a program that is to become of a child, once the keeper decides on
// its sockets.
type launchTask struct {
	Path string
	Args []string
	Env  []string
}

// launchFile is the launcher's end of a pair of Unix sockets to the keeper.
const launchFile = 3

// startSigned starts a command that gets no socket of a network but those that sign
// with the key. The command is started by a launcher, this program again, because
// what hands its calls of socket(2) to us must be set up in its own process.
func startSigned(command *exec.Cmd, key signingKey) error {
	ours, theirs, err := unixPair()
	if err != nil {
		return err
	}
	defer ours.Close()
	launcher, err := childCommand(childTask{Launch: &launchTask{Path: command.Path, Args: command.Args, Env: command.Env}})
	if err != nil {
		return errors.Join(err, theirs.Close())
	}
	command.Path, command.Args, command.Env = launcher.Path, launcher.Args, launcher.Env
	command.ExtraFiles = []*os.File{theirs}
	err = command.Start()
	theirs.Close()
	if err != nil {
		return err
	}
	calls, err := receiveCalls(ours)
	if err != nil {
		return endOf(command, err)
	}
	go answerCalls(calls, key)
	return nil
}

// endOf ends a launcher that has failed. One that a filter of system calls has ended
// could not say so itself.
func endOf(launcher *exec.Cmd, err error) error {
	_ = launcher.Process.Kill()
	_ = launcher.Wait()
	if status, ok := launcher.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signal() == unix.SIGSYS {
		return fmt.Errorf("a filter of system calls ended the launcher of Milvus: %w", unix.EPERM)
	}
	return err
}

// unixPair is a pair of connected sockets, the second of which can be inherited.
func unixPair() (*net.UnixConn, *os.File, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "keeper"), os.NewFile(uintptr(pair[1]), "launcher")
	conn, err := unixConn(ours)
	if err != nil {
		return nil, nil, errors.Join(err, theirs.Close())
	}
	return conn, theirs, nil
}

// unixConn makes a connection of a socket's file, which it closes.
func unixConn(file *os.File) (*net.UnixConn, error) {
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("socket to the launcher is a %T", conn), conn.Close())
	}
	return unixConn, nil
}

// receiveCalls takes the listener for system calls from the launcher, or the report
// of why there is none.
func receiveCalls(launcher *net.UnixConn) (*os.File, error) {
	if err := launcher.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return nil, err
	}
	calls, err := receiveFile(launcher)
	var text refusal
	var report keeperReport
	switch {
	case !errors.As(err, &text):
		return calls, err
	case json.Unmarshal([]byte(text), &report) != nil:
		return nil, errors.New("the launcher of Milvus ended without a word")
	}
	return nil, report.err()
}

// launch hands the calls of socket(2) of this thread to the keeper and becomes the
// program.
func launch(task launchTask) error {
	keeper, err := unixConn(os.NewFile(launchFile, "keeper"))
	if err != nil {
		return err
	}
	calls, err := handOverCalls()
	if err != nil {
		text, _ := json.Marshal(reportOf(err))
		_, _ = keeper.Write(text)
		return err
	}
	if err := sendFile(keeper, calls); err != nil {
		return err
	}
	return fmt.Errorf("start %s: %w", task.Path, syscall.Exec(task.Path, task.Args, task.Env))
}

// handOverCalls returns a file that tells of each call of socket(2) that this thread
// and what it becomes make (seccomp_unotify(2)). It is the thread that dies with the
// keeper, too: an exec leaves no other.
func handOverCalls() (int, error) {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return -1, err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return -1, err
	}
	filter, err := callFilter()
	if err != nil {
		return -1, err
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	calls, _, number := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(filter)
	if number != 0 {
		return -1, fmt.Errorf("have the keeper open the sockets (seccomp): %w", number)
	}
	return int(calls), nil
}

// callFilter sends socket(2) to the keeper, but for sockets that no network reaches,
// and refuses io_uring, which opens sockets past any filter. A process of another
// architecture, whose calls have other numbers, is ended.
func callFilter() ([]unix.SockFilter, error) {
	not := func(domain uint64) seccomp.Condition {
		return seccomp.Condition{Argument: 0, Operation: seccomp.NotEqual, Value: domain}
	}
	policy := seccomp.Policy{
		DefaultAction: seccomp.ActionAllow,
		// What has conditions comes last: it leaves the number of the call forgotten.
		Syscalls: []seccomp.SyscallGroup{
			{Action: seccomp.ActionErrno, Names: []string{"io_uring_setup"}},
			{Action: seccomp.ActionUserNotify, NamesWithCondtions: []seccomp.NameWithConditions{
				{Name: "socket", Conditions: seccomp.ArgumentConditions{not(unix.AF_UNIX), not(unix.AF_NETLINK)}},
			}},
		},
	}
	body, err := policy.Assemble()
	if err != nil {
		return nil, err
	}
	architecture, ok := map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}[runtime.GOARCH]
	if !ok {
		return nil, fmt.Errorf("filter system calls on %s: %w", runtime.GOARCH, unix.ENOSYS)
	}
	whole, err := bpf.Assemble(append([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 4, Size: 4}, // seccomp_data.arch
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: architecture, SkipTrue: 1},
		bpf.RetConstant{Val: uint32(seccomp.ActionKillProcess)},
	}, body...))
	if err != nil {
		return nil, err
	}
	filter := make([]unix.SockFilter, len(whole))
	for i, instruction := range whole {
		filter[i] = unix.SockFilter{Code: instruction.Op, Jt: instruction.Jt, Jf: instruction.Jf, K: instruction.K}
	}
	return filter, nil
}
