package hardened

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"
)

// Variable names what Apply takes away, separated by commas.
const Variable = "POLYLENS_TEST_HARDENED"

// What can be taken away.
const (
	// Namespaces: no namespaces, as in a container with Docker's usual filter.
	Namespaces = "namespaces"
	// Listeners: no listener for system calls, as in a container that has one.
	Listeners = "listeners"
	// ListenersDeadly: whoever asks for one is ended, as in services with a filter.
	ListenersDeadly = "listeners-deadly"
	// UserNamespaces: no further user namespaces, by the setting of the system, but
	// the privileges of root, as in a privileged container.
	UserNamespaces = "user-namespaces"
	// Files: no more than FewFiles open files.
	Files = "files"
)

// FewFiles is what Files leaves.
const FewFiles = 24

// Prepare has a command, which must call Apply, live without these things.
func Prepare(command *exec.Cmd, things ...string) {
	if command.Env == nil {
		command.Env = os.Environ()
	}
	command.Env = append(command.Env, Variable+"="+strings.Join(things, ","))
	for _, thing := range things {
		if thing == UserNamespaces { // the setting holds for one namespace and those below it
			command.SysProcAttr = &syscall.SysProcAttr{
				Cloneflags:  syscall.CLONE_NEWUSER,
				UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
				GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
			}
		}
	}
}

// Apply takes away what the variable names. It must come before anything else in
// the process.
func Apply() error {
	for thing := range strings.SplitSeq(os.Getenv(Variable), ",") {
		apply, ok := map[string]func() error{
			"":              func() error { return nil },
			Namespaces:      refuseNamespaces,
			Listeners:       func() error { return refuseListeners(seccomp.ActionErrno) },
			ListenersDeadly: func() error { return refuseListeners(seccomp.ActionKillProcess) },
			UserNamespaces:  refuseUserNamespaces,
			Files:           refuseFiles,
		}[thing]
		if !ok {
			return fmt.Errorf("%s: no %q can be taken away", Variable, thing)
		}
		if err := apply(); err != nil {
			return fmt.Errorf("take away %s: %w", thing, err)
		}
	}
	return nil
}

// noSuchCall is what Docker's filter answers to clone3, whose flags no filter sees.
const noSuchCall = seccomp.ActionErrno | seccomp.Action(unix.ENOSYS)

func refuseNamespaces() error {
	const all = unix.CLONE_NEWUSER | unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP
	return refuse(
		seccomp.SyscallGroup{Action: noSuchCall, Names: []string{"clone3"}},
		seccomp.SyscallGroup{Action: seccomp.ActionErrno, NamesWithCondtions: []seccomp.NameWithConditions{bits("clone", 0, all), bits("unshare", 0, all)}},
	)
}

func refuseListeners(how seccomp.Action) error {
	return refuse(seccomp.SyscallGroup{Action: how, NamesWithCondtions: []seccomp.NameWithConditions{
		bits("seccomp", 1, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER),
	}})
}

// bits matches a call with any of the bits in an argument.
func bits(call string, argument uint32, value uint64) seccomp.NameWithConditions {
	return seccomp.NameWithConditions{Name: call, Conditions: seccomp.ArgumentConditions{
		{Argument: argument, Operation: seccomp.BitsSet, Value: value},
	}}
}

func refuse(groups ...seccomp.SyscallGroup) error {
	return seccomp.LoadFilter(seccomp.Filter{
		NoNewPrivs: true, Flag: seccomp.FilterFlagTSync,
		Policy: seccomp.Policy{DefaultAction: seccomp.ActionAllow, Syscalls: groups},
	})
}

func refuseUserNamespaces() error {
	file, err := os.OpenFile("/proc/sys/user/max_user_namespaces", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteString("0")
	return err
}

func refuseFiles() error {
	return unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: FewFiles, Max: FewFiles})
}
