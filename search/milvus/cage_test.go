package milvus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"polylens/internal/hardened"
)

// under runs a test in a process of its own without these things, see hardened, and
// reports whether this is that process.
func under(t *testing.T, things ...string) bool {
	t.Helper()
	if os.Getenv(hardened.Variable) == strings.Join(things, ",") {
		return true
	}
	command := exec.CommandContext(t.Context(), "/proc/self/exe",
		"-test.run=^"+regexp.QuoteMeta(t.Name())+"$", "-test.v", "-test.timeout=8m")
	hardened.Prepare(command, things...)
	output, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "--- PASS: "+t.Name()) {
		t.Errorf("without %v: %v\n%s", things, err, output)
	}
	return false
}

// fakeServer is a folder that passes for an unpacked server.
func fakeServer(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, binary), []byte("#!/bin/sh\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// TestRefused: where no cage is allowed and nobody accepts to do without, nothing is
// started, and the error names three remedies.
func TestRefused(t *testing.T) {
	for _, listeners := range []string{hardened.Listeners, hardened.ListenersDeadly} {
		t.Run(listeners, func(t *testing.T) {
			if under(t, hardened.Namespaces, listeners) {
				checkRefused(t)
			}
		})
	}
}

func checkRefused(t *testing.T) {
	t.Helper()
	data := t.TempDir()
	server, err := Start(t.Context(), ServerOptions{Folder: fakeServer(t), Data: data})
	if server != nil || !errors.Is(err, ErrRefused) {
		t.Fatalf("server %v, error %v", server, err)
	}
	for _, remedy := range []string{"max_user_namespaces", "apparmor_restrict_unprivileged_userns", "--security-opt seccomp=", "--milvus HOST:PORT", "--expose-milvus"} {
		if !strings.Contains(err.Error(), remedy) {
			t.Errorf("%q does not name %s", err, remedy)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %q", err)
	}
	if logs, _ := os.ReadDir(filepath.Join(data, "logs")); len(logs) > 0 {
		t.Errorf("something ran and left %v", logs)
	}
	if _, probed := Probe(false); !errors.Is(probed, ErrRefused) || !strings.Contains(err.Error(), probed.Error()) {
		t.Errorf("Probe says %v, Start %v", probed, err)
	}
	exposure, err := Probe(true)
	if err != nil || exposure.Isolated || !strings.Contains(exposure.Reason, "operation not permitted") {
		t.Errorf("accepted: %+v, %v", exposure, err)
	}
}

// TestFewFiles: what fails for want of files says so. It neither reads as if the
// system refused a cage nor leaves a server without one, accepted or not.
func TestFewFiles(t *testing.T) {
	if !under(t, hardened.Files) {
		return
	}
	var taken []*os.File
	for {
		file, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		taken = append(taken, file)
	}
	failed := 0
	for left := 0; len(taken) > 0; left++ {
		exposure, err := Probe(true)
		switch {
		case err == nil && !exposure.Isolated:
			t.Errorf("with %d files left: %s", left, exposure)
		case errors.Is(err, ErrRefused):
			t.Errorf("with %d files left it says that the system refuses: %v", left, err)
		case err != nil:
			failed++
			if !strings.Contains(err.Error(), syscall.EMFILE.Error()) {
				t.Errorf("with %d files left: %v", left, err)
			}
		}
		taken[len(taken)-1].Close()
		taken = taken[:len(taken)-1]
	}
	if failed == 0 {
		t.Error("no attempt failed: the test shows nothing")
	}
}

// TestPrivileged: a process with the rights of root needs no user namespace.
func TestPrivileged(t *testing.T) {
	needServer(t)
	if os.Getenv(hardened.Variable) == "" && try(userNetwork) != nil {
		t.Skip("this system refuses user namespaces itself")
	}
	if !under(t, hardened.UserNamespaces) {
		return
	}
	server := startServer(t, ServerOptions{})
	if exposure := server.Exposure(); exposure.cage != rootNetwork || !strings.Contains(exposure.String(), "privileged") {
		t.Errorf("exposure %+v: %s", exposure, exposure)
	}
	checkNothingListens(t, server)
	index := connect(t, server)
	if n, err := count(t.Context(), index, fill(t, index, 3)); n != 3 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
}

// TestSigned: where there are no namespaces, the ports of Milvus answer nobody but
// itself and Polylens, also after it was killed.
func TestSigned(t *testing.T) {
	needServer(t)
	if !under(t, hardened.Namespaces) {
		return
	}
	server := startServer(t, ServerOptions{})
	if exposure := server.Exposure(); exposure.cage != signedSockets || !exposure.Isolated || len(exposure.Ports) != 9 {
		t.Errorf("exposure %+v: %s", exposure, exposure)
	}
	index := connect(t, server)
	key := fill(t, index, 500)
	checkAnswersNobody(t, server)
	if err := syscall.Kill(server.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, func() error {
		if server.Starts() < 2 || !server.Healthy() {
			return errors.New("it has not come back")
		}
		n, err := count(t.Context(), index, key)
		if err == nil && n != 500 {
			err = fmt.Errorf("%d rows, want 500", n)
		}
		return err
	})
	checkAnswersNobody(t, server)
	if err := server.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// checkAnswersNobody knocks at every port on which a server listens, on every
// address of this machine, as a stranger who does not know the key.
func checkAnswersNobody(t *testing.T, server *Server) {
	t.Helper()
	own, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	knockers := &sync.WaitGroup{}
	knock := func(address string, want bool) {
		knockers.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
			if err == nil {
				conn.Close()
			}
			if (err == nil) != want {
				t.Errorf("a stranger at %s: %v", address, err)
			}
		})
	}
	knock(own.Addr().String(), true) // or the test is blind
	ports := listeningPorts(t, server.PID())
	if len(ports) < 9 {
		t.Errorf("Milvus listens on %d ports: is the test blind?", len(ports))
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, port := range ports {
		for _, address := range addresses {
			if ip, ok := address.(*net.IPNet); ok && !ip.IP.IsLinkLocalUnicast() {
				knock(net.JoinHostPort(ip.IP.String(), fmt.Sprint(port)), false)
			}
		}
	}
	knockers.Wait()
}

// listeningPorts are the TCP ports of the host on which a process listens. It
// fails the test if the process has any socket of UDP.
func listeningPorts(t *testing.T, pid int) (ports []uint64) {
	t.Helper()
	inodes := socketsOf(t, pid)
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		text, err := os.ReadFile("/proc/net/" + table)
		if err != nil {
			continue // no IPv6
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) < 10 || !inodes[fields[9]] {
				continue
			}
			var port uint64
			if _, err := fmt.Sscanf(fields[1][strings.LastIndex(fields[1], ":")+1:], "%X", &port); err != nil {
				t.Fatal(err)
			}
			switch {
			case strings.HasPrefix(table, "udp"):
				t.Errorf("%s shows a socket of Milvus: %s", table, line)
			case fields[3] == "0A":
				ports = append(ports, port)
			}
		}
	}
	return ports
}

// TestKindsOfSockets: only what can be signed is opened.
func TestKindsOfSockets(t *testing.T) {
	key := newKey()
	for _, kind := range [][3]int{
		{unix.AF_INET6, unix.SOCK_STREAM, 0},
		{unix.AF_INET, unix.SOCK_DGRAM, 0},
		{unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_TCP},
		{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP},
		{unix.AF_PACKET, unix.SOCK_RAW, 0},
		{unix.AF_VSOCK, unix.SOCK_STREAM, 0},
	} {
		if socket, err := key.socket(kind[0], kind[1], kind[2]); err == nil {
			t.Errorf("%v is opened", kind)
			unix.Close(socket)
		}
	}
}

// TestWhatIsARefusal: only what says that the system does not allow or does not know
// a cage, also when a child reports it.
func TestWhatIsARefusal(t *testing.T) {
	for number, want := range map[syscall.Errno]bool{
		syscall.EPERM: true, syscall.EACCES: true, syscall.ENOSPC: true, syscall.EUSERS: true, syscall.EINVAL: true, syscall.ENOSYS: true,
		syscall.EMFILE: false, syscall.ENFILE: false, syscall.ENOMEM: false, syscall.EAGAIN: false, syscall.ENOENT: false, syscall.EIO: false,
	} {
		err := fmt.Errorf("start: %w", &os.PathError{Op: "fork/exec", Err: number})
		if got := isRefusal(err); got != want {
			t.Errorf("%v: %v", err, got)
		}
		if got := isRefusal(reportOf(err).err()); got != want {
			t.Errorf("%v, reported: %v", err, got)
		}
	}
	if !isRefusal(reportOf(fmt.Errorf("trial: %w", errUnguarded)).err()) {
		t.Error("a cage that keeps nobody away is none")
	}
	for _, err := range []error{os.ErrDeadlineExceeded, context.DeadlineExceeded, errors.New("no sign of life")} {
		if isRefusal(err) || isRefusal(reportOf(err).err()) {
			t.Errorf("%v is no refusal", err)
		}
	}
	if err := (keeperReport{PID: 7}).err(); err != nil {
		t.Errorf("a report without an error: %v", err)
	}
}
