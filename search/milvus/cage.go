package milvus

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
)

// cage is a way to keep everybody but this program from the embedded server: a
// server outside of one can be reached by the whole network, and its metrics
// port alone lists collections, drops them and evaluates expressions.
type cage string

// The cages, in the order in which they are tried.
const (
	// userNetwork is a network namespace made together with a user namespace, as
	// any user may where the system allows it.
	userNetwork cage = "a network namespace of an ordinary user"
	// rootNetwork is a network namespace made by a privileged process, as root is
	// in some containers.
	rootNetwork cage = "a network namespace of a privileged process"
	// signedSockets leaves the server in the network of the machine, with sockets
	// that hear only what is signed with a key of this run, see signedSocket.
	signedSockets cage = "sockets signed with a key"
	// noCage is none.
	noCage cage = ""
)

// ownNetwork reports whether the server has a network of its own.
func (c cage) ownNetwork() bool { return c == userNetwork || c == rootNetwork }

// flags are the namespaces to make.
func (c cage) flags() uintptr {
	switch c {
	case userNetwork:
		return syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS
	case rootNetwork:
		return syscall.CLONE_NEWNET | syscall.CLONE_NEWNS
	}
	return 0
}

// ErrRefused says that this system allows no cage.
var ErrRefused = errors.New("this system lets Milvus not be shut off from the network, where everybody could read and delete its collections")

// Remedies are what can be done about ErrRefused.
const Remedies = "allow user namespaces (sysctl kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu, " +
	"sysctl user.max_user_namespaces=10000 elsewhere, docker run --security-opt seccomp=PROFILE with a profile that allows them), " +
	"or run a Milvus of your own and name it with --milvus HOST:PORT, " +
	"or accept with --expose-milvus that everybody who reaches this machine reaches its Milvus"

// findCage returns the first cage that works here. The error is ErrRefused, wrapped,
// if this system refuses all of them; any other says that something else went
// wrong, and nothing about what the system allows.
func findCage() (cage, error) {
	var refusals []string
	for _, c := range []cage{userNetwork, rootNetwork, signedSockets} {
		err := try(c)
		if err == nil {
			return c, nil
		}
		if !isRefusal(err) {
			return noCage, fmt.Errorf("find out whether Milvus can have %s: %w", c, err)
		}
		refusals = append(refusals, fmt.Sprintf("%s: %v", c, err))
	}
	// Where not even a process without a cage can be started, it is not the cages
	// that the system refuses.
	if err := try(noCage); err != nil {
		return noCage, err
	}
	return noCage, fmt.Errorf("%w (%s)", ErrRefused, strings.Join(refusals, "; "))
}

// isRefusal reports whether an error of try means that the system does not allow
// the cage, or does not know it. Lack of memory, of files or of processes, and
// silence, mean neither.
func isRefusal(err error) bool {
	if errors.Is(err, errUnguarded) {
		return true
	}
	var number syscall.Errno
	return errors.As(err, &number) && slices.Contains([]syscall.Errno{
		syscall.EPERM, syscall.EACCES, // by a security module, a filter of system calls, a setting
		syscall.ENOSPC, syscall.EUSERS, // a limit of /proc/sys/user, or too deep
		syscall.EINVAL, syscall.ENOSYS, // built without
		syscall.EBUSY,                           // the one listener for system calls is taken
		syscall.ENOPROTOOPT, syscall.EOPNOTSUPP, // built without signed connections
	}, number)
}
