package outside

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"
)

// confine gives up what the child does not need, for ever. No request may take more
// than so many bytes of memory; 0 is no bound.
func confine(memory int64) (*limiter, error) {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return nil, err
	}
	limiter, err := newLimiter(memory)
	if err != nil {
		return nil, err
	}
	if err := confineEverywhere(); err != nil {
		return nil, err
	}
	return limiter, filterCalls()
}

// neededCalls are those of the Go runtime, of malloc and of threads, and what limiter
// does. None opens a file, reaches another process or a network, or starts a program.
var neededCalls = []string{
	"read", "write", "pread64", "close", "fcntl", "lseek", "fstat",
	"mmap", "munmap", "mprotect", "mremap", "madvise", "brk",
	"futex", "clone", "clone3", "exit", "exit_group", "set_robust_list", "rseq", "gettid", "getpid", "prctl",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "tgkill", "restart_syscall",
	"sched_yield", "sched_getaffinity", "nanosleep", "clock_nanosleep", "clock_gettime", "gettimeofday",
	"timer_create", "timer_settime", "timer_delete", "setitimer", "getrandom", "getrusage",
	"epoll_create1", "epoll_ctl", "epoll_pwait", "eventfd2", "pipe2", "prlimit64",
}

// filterCalls refuses all other system calls of all threads. A system that cannot
// filter calls still has the limits: they are what decoding relies on.
func filterCalls() error {
	if !seccomp.Supported() {
		return setNoNewPrivileges()
	}
	return seccomp.LoadFilter(seccomp.Filter{
		NoNewPrivs: true,
		Flag:       seccomp.FilterFlagTSync,
		Policy: seccomp.Policy{
			DefaultAction: seccomp.ActionErrno,
			Syscalls:      []seccomp.SyscallGroup{{Action: seccomp.ActionAllow, Names: neededCalls}},
		},
	})
}

func setNoNewPrivileges() error { return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }

// room is what the Go runtime and new threads may take beside a request.
const room = 48 << 20

// limiter bounds the writable memory of the process itself (RLIMIT_DATA): unlike the
// address space, of which Go reserves much, it counts only what can be used.
type limiter struct {
	sizes *os.File
	most  uint64 // that set can allow
}

func newLimiter(memory int64) (*limiter, error) {
	sizes, err := os.Open("/proc/self/statm") // later no file can be opened
	if err != nil {
		return nil, err
	}
	l := &limiter{sizes: sizes, most: math.MaxUint64}
	used, err := l.used()
	if err != nil || memory == 0 {
		return l, err
	}
	l.most = used + uint64(memory) + 2*room
	return l, l.lift()
}

// set lets the process take so many bytes more than it has.
func (l *limiter) set(more int64) error {
	used, err := l.used()
	if err != nil {
		return err
	}
	return l.limit(min(used+uint64(max(0, more))+room, l.most))
}

// lift undoes set.
func (l *limiter) lift() error { return l.limit(l.most) }

func (l *limiter) limit(bytes uint64) error {
	return unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: bytes, Max: l.most})
}

// used is the writable memory of the process in bytes, the sixth field of statm.
func (l *limiter) used() (uint64, error) {
	var buffer [256]byte
	n, err := l.sizes.ReadAt(buffer[:], 0)
	fields := bytes.Fields(buffer[:n])
	if len(fields) < 6 {
		return 0, fmt.Errorf("%s: %w", l.sizes.Name(), errors.Join(err, errors.New("it has too few fields")))
	}
	pages, err := strconv.ParseUint(string(fields[5]), 10, 64)
	return pages * uint64(os.Getpagesize()), err
}
