package milvus

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"polylens/internal/pinned"
)

// process is one run of keeper and Milvus.
type process struct {
	keeperPID, milvusPID int
	done                 chan struct{} // closed when the keeper has ended
	err                  error         // why, valid after done
}

// startProcess starts a keeper, which starts Milvus.
func (s *Server) startProcess(ports ports) (*process, error) {
	door, err := listenDoor(s.folder.path)
	if err != nil {
		return nil, err
	}
	defer door.Close()
	return startKeeper(keeperTask{
		Cage:   s.exposure.cage,
		Port:   ports.proxy,
		Binary: filepath.Join(s.options.Folder, binary),
		Dir:    s.folder.path,
		Env:    serverEnvironment(s.options.Folder, s.folder.path, ports),
	}, door, s.output)
}

// try reports nil when a process of ours can have the cage.
func try(c cage) error {
	var words strings.Builder
	process, err := startKeeper(keeperTask{Cage: c, Trial: true}, nil, &words)
	var told *reportedError
	if err != nil && !errors.As(err, &told) {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(words.String()))
	}
	if err != nil {
		return err
	}
	process.kill()
	return nil
}

// startKeeper forks a keeper and waits for its report. There is no door in a trial.
func startKeeper(task keeperTask, door *os.File, output io.Writer) (*process, error) {
	reportRead, reportWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer reportRead.Close()
	defer reportWrite.Close()
	cmd, err := keeperCommand(task)
	if err != nil {
		return nil, err
	}
	cmd.ExtraFiles = []*os.File{reportWrite}
	if door != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, door)
	}
	cmd.Stdout, cmd.Stderr = output, output
	process, err := runPinned(cmd)
	if err != nil {
		return nil, err
	}
	reportWrite.Close() // so that the keeper's death ends the read
	if process.milvusPID, err = readReport(reportRead); err != nil {
		process.kill()
		return nil, err
	}
	return process, nil
}

// keeperCommand is this program again, as a keeper, in the namespaces of its cage.
func keeperCommand(task keeperTask) (*exec.Cmd, error) {
	cmd, err := childCommand(childTask{Keep: &task})
	if err != nil {
		return nil, err
	}
	cmd.Env = append(cmd.Env, passedOn()...)
	cmd.WaitDelay = 2 * time.Second // for output that outlives the keeper
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid:    true, // Ctrl-C in the terminal must not kill it before the flush
		Pdeathsig:  syscall.SIGKILL,
		Cloneflags: task.Cage.flags(),
	}
	if task.Cage == userNetwork {
		mapOwner(cmd.SysProcAttr)
	}
	return cmd, nil
}

// childCommand is this program again, as one of the children that MaybeRunChild runs. The
// error is hook.ErrMissing, wrapped, where it would be something else.
func childCommand(task childTask) (*exec.Cmd, error) {
	if err := hooked.Check(); err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(task)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{"polylens-milvus-keeper"}
	cmd.Env = []string{childVariable + "=" + string(encoded)}
	return cmd, nil
}

// mapOwner makes our own user root in a user namespace, which lets the keeper bring
// the loopback interface up.
func mapOwner(attr *syscall.SysProcAttr) {
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
}

// passedOn is the part of our environment that a child needs: no secrets.
func passedOn() []string {
	var kept []string
	for _, name := range []string{"PATH", "HOME", "TZ", "LANG"} {
		if value, ok := os.LookupEnv(name); ok {
			kept = append(kept, name+"="+value)
		}
	}
	return kept
}

// runPinned starts cmd, and notes its end.
func runPinned(cmd *exec.Cmd) (*process, error) {
	process := &process{done: make(chan struct{})}
	err := pinned.Start(cmd, func(err error) {
		process.err = err
		close(process.done)
	})
	if err != nil {
		return nil, fmt.Errorf("start the keeper of Milvus: %w", err)
	}
	process.keeperPID = cmd.Process.Pid
	return process, nil
}

// readReport reads the one line in which the keeper gives the id of Milvus' process,
// or says why there is none.
func readReport(pipe *os.File) (int, error) {
	if err := pipe.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return 0, err
	}
	line, err := bufio.NewReader(pipe).ReadBytes('\n')
	if err != nil {
		return 0, fmt.Errorf("the keeper of Milvus gave no sign of life (does main call milvus.MaybeRunChild first?): %w", err)
	}
	var report keeperReport
	if err := json.Unmarshal(line, &report); err != nil {
		return 0, fmt.Errorf("report of the keeper: %w", err)
	}
	return report.PID, report.err()
}

// kill ends keeper and Milvus and waits for the keeper's end. The keeper leads
// the process group of both.
func (p *process) kill() {
	_ = syscall.Kill(-p.keeperPID, syscall.SIGKILL)
	<-p.done
	waitGone(p.milvusPID, 10*time.Second)
}
