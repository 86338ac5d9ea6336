package disktest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"polylens/internal/pinned"
)

// inside, when set, names the test that this process was started for: it has mounts of
// its own.
const inside = "POLYLENS_TEST_OWN_MOUNTS"

// Disk is a file system in memory, mounted at Folder.
type Disk struct{ Folder string }

// Run runs a test in a process of its own, in which there is a disk for so many bytes.
// That takes the right to make a mount namespace, which an ordinary user has together
// with a user namespace where the system allows those. Where it does not, the test
// fails: it is never passed over in silence. Its name must be that of a test function.
func Run(t *testing.T, bytes int64, test func(t *testing.T, disk Disk)) {
	t.Helper()
	switch os.Getenv(inside) {
	case t.Name():
		test(t, mount(t, bytes))
		return
	case "":
	default: // it must not start children in turn
		t.Fatalf("a process for the test %q runs this one", os.Getenv(inside))
	}
	err := child(t, syscall.CLONE_NEWUSER|syscall.CLONE_NEWNS)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EINVAL) {
		err = child(t, syscall.CLONE_NEWNS) // root may do so without
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("this test needs a small disk, and so a user and mount namespace, which this system refuses: %v", err)
	}
	if err != nil {
		t.Fatalf("it failed on its small disk, see above: %v", err)
	}
}

// child runs a test in new namespaces.
func child(t *testing.T, flags uintptr) error {
	var limit time.Duration // none
	if deadline, has := t.Deadline(); has {
		limit = time.Until(deadline)
	}
	command := exec.Command("/proc/self/exe", "-test.run=^"+regexp.QuoteMeta(t.Name())+"$", "-test.v", "-test.timeout="+limit.String())
	command.Env = append(os.Environ(), inside+"="+t.Name())
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
	if flags&syscall.CLONE_NEWUSER != 0 {
		command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		command.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	command.Stdout, command.Stderr = t.Output(), t.Output()
	ended := make(chan error, 1)
	if err := pinned.Start(command, func(err error) { ended <- err }); err != nil {
		return err
	}
	return <-ended
}

func mount(t *testing.T, bytes int64) Disk {
	t.Helper()
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal("make mounts private:", err)
	}
	disk := Disk{t.TempDir()}
	if err := unix.Mount("tmpfs", disk.Folder, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options(bytes)); err != nil {
		t.Fatal("mount a small disk:", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(disk.Folder, unix.MNT_DETACH) })
	return disk
}

func options(bytes int64) string { return fmt.Sprintf("size=%d,mode=0700", bytes) }

// Resize makes the disk one for so many bytes, in use or free; fewer than are in use
// leave none free.
func (d Disk) Resize(t testing.TB, bytes int64) {
	t.Helper()
	bytes = max(bytes, d.Used(t))
	if err := unix.Mount("", d.Folder, "", unix.MS_REMOUNT|unix.MS_NOSUID|unix.MS_NODEV, options(bytes)); err != nil {
		t.Fatal("resize the small disk:", err)
	}
}

// Used is how many bytes are in use.
func (d Disk) Used(t testing.TB) int64 {
	t.Helper()
	var stat unix.Statfs_t
	if err := unix.Statfs(d.Folder, &stat); err != nil {
		t.Fatal(err)
	}
	return int64(stat.Blocks-stat.Bfree) * stat.Bsize
}

// Leave makes the disk one with so many bytes free.
func (d Disk) Leave(t testing.TB, free int64) {
	t.Helper()
	d.Resize(t, d.Used(t)+free)
}
