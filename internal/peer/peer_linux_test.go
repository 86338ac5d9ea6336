package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Tasks of this test binary when it is started again as another process.
const (
	taskVariable = "POLYLENS_TEST_PEER"
	taskDial     = "dial"  // connect to the address in the argument, say so, wait for the end of input
	taskCheck    = "check" // in network and user namespaces that have nothing yet
)

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(taskVariable) {
	case taskDial:
		err = dialAndWait(os.Args[1])
	case taskCheck:
		err = errors.Join(loopbackUp(), Check(context.Background()))
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func dialAndWait(address string) error {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer connection.Close()
	fmt.Println("connected")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func loopbackUp() error {
	handle, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(handle)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(handle, unix.SIOCSIFFLAGS, request)
}

// again starts this test binary with a task.
func again(t *testing.T, task string, arguments ...string) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], arguments...)
	command.Env = append(os.Environ(), taskVariable+"="+task)
	return command
}

func listen(t testing.TB, network, address string) net.Listener {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

func accept(t testing.TB, listener net.Listener) net.Conn {
	t.Helper()
	connection, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	return connection
}

func dial(t testing.TB, from, to string) *net.TCPConn {
	t.Helper()
	var dialer net.Dialer
	if from != "" {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.MustParseAddrPort(from))
	}
	connection, err := dialer.Dial("tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	return connection.(*net.TCPConn)
}

func wantUser(t *testing.T, connection net.Conn, want int) {
	t.Helper()
	if user, err := Owner(connection); err != nil || user != want {
		t.Errorf("the owner of %s is %d, %v; want %d", connection.RemoteAddr(), user, err, want)
	}
}

func wantUnknown(t *testing.T, connection net.Conn) {
	t.Helper()
	if user, err := Owner(connection); !errors.Is(err, ErrUnknown) || user != 0 {
		t.Errorf("the owner of %s is %d, %v; want ErrUnknown", connection.RemoteAddr(), user, err)
	}
}

func TestOwnerInEveryFamily(t *testing.T) {
	for label, test := range map[string]struct{ network, listen, dial string }{
		"IPv4":                      {"tcp4", "127.0.0.1:0", "127.0.0.1"},
		"another loopback":          {"tcp4", "0.0.0.0:0", "127.0.0.7"},
		"IPv6":                      {"tcp6", "[::1]:0", "::1"},
		"IPv4 to a server for both": {"tcp", "[::]:0", "127.0.0.1"},
		"IPv6 to a server for both": {"tcp", "[::]:0", "::1"},
	} {
		t.Run(label, func(t *testing.T) {
			listener := listen(t, test.network, test.listen)
			_, port, err := net.SplitHostPort(listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			dial(t, "", net.JoinHostPort(test.dial, port))
			wantUser(t, accept(t, listener), os.Geteuid())
		})
	}
}

// TestOwnerOfMapped: a socket for IPv6 that speaks IPv4 is found by its IPv4 address.
func TestOwnerOfMapped(t *testing.T) {
	listener := listen(t, "tcp4", "127.0.0.1:0")
	handle, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(handle)
	to := &unix.SockaddrInet6{Port: listener.Addr().(*net.TCPAddr).Port, Addr: netip.MustParseAddr("::ffff:127.0.0.1").As16()}
	if err := unix.Connect(handle, to); err != nil {
		t.Fatal(err)
	}
	wantUser(t, accept(t, listener), os.Geteuid())
}

// TestAnotherUser needs root, who may become somebody else. Without, the other process
// is of the same user, and the test says so.
func TestAnotherUser(t *testing.T) {
	listener := listen(t, "tcp4", "127.0.0.1:0")
	other := again(t, taskDial, listener.Addr().String())
	want := os.Geteuid()
	if want == 0 {
		want = 65534
		other.Path = copyForAll(t)
		other.Dir = "/"
		other.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(want), Gid: 65534}}
	} else {
		t.Logf("not root: a process of user %d stands for that of another one", want)
	}
	input, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	other.Stderr = &said
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	wantUser(t, accept(t, listener), want)
	input.Close()
	if err := other.Wait(); err != nil {
		t.Errorf("%v: %s", err, said.String())
	}
}

// copyForAll is this test binary where every user may start it.
func copyForAll(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("/tmp", "peer")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	path := folder + "/peer.test"
	if err := errors.Join(os.Chmod(folder, 0o755), os.WriteFile(path, program, 0o755)); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestClosedIsNobody: the kernel says user 0 of a socket that is closed, who is root.
func TestClosedIsNobody(t *testing.T) {
	listener := listen(t, "tcp4", "127.0.0.1:0")
	for label, leave := range map[string]func(*net.TCPConn) error{
		"closed":                func(c *net.TCPConn) error { return c.Close() },
		"closed with a request": func(c *net.TCPConn) error { _, err := c.Write([]byte("GET /")); return errors.Join(err, c.Close()) },
		"broken off":            func(c *net.TCPConn) error { return errors.Join(c.SetLinger(0), c.Close()) },
	} {
		t.Run(label, func(t *testing.T) {
			there := dial(t, "", listener.Addr().String())
			if err := leave(there); err != nil {
				t.Fatal(err)
			}
			here := accept(t, listener)
			wantUnknown(t, here)
			here.Close()
			wantUnknown(t, here) // what is left at the other end waits for a minute (TIME_WAIT)
		})
	}
}

// TestHalfClosedIsSomebody: who has sent everything still waits for the answer.
func TestHalfClosedIsSomebody(t *testing.T) {
	listener := listen(t, "tcp4", "127.0.0.1:0")
	there := dial(t, "", listener.Addr().String())
	if err := there.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	wantUser(t, accept(t, listener), os.Geteuid())
}

// TestTakenOverPort: a connection that was broken off before it was accepted is not
// that of whoever has its port now.
func TestTakenOverPort(t *testing.T) {
	listener := listen(t, "tcp4", "127.0.0.1:0")
	first := dial(t, "", listener.Addr().String())
	from := first.LocalAddr().String()
	if _, err := first.Write([]byte("POST / HTTP/1.1\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(first.SetLinger(0), first.Close()); err != nil {
		t.Fatal(err)
	}
	dial(t, from, listener.Addr().String())
	brokenOff, whole := accept(t, listener), accept(t, listener)
	wantUnknown(t, brokenOff)
	wantUser(t, whole, os.Geteuid())
	if said, err := io.ReadAll(io.LimitReader(brokenOff, 4)); string(said) != "POST" {
		t.Logf("what was sent before cannot be read here: %q, %v", said, err)
	}
}

// TestElsewhere: nobody of this machine is at the other end.
func TestElsewhere(t *testing.T) {
	listener := listen(t, "tcp4", "127.0.0.1:0")
	dial(t, "", listener.Addr().String())
	here := accept(t, listener)
	for label, connection := range map[string]net.Conn{
		"another machine": elsewhere{here, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4711}},
		"the listener":    elsewhere{here, listener.Addr()},
		"another network": elsewhere{here, &net.UnixAddr{Name: "socket", Net: "unix"}},
		"no socket":       struct{ net.Conn }{here},
	} {
		t.Run(label, func(t *testing.T) { wantUnknown(t, connection) })
	}
}

type elsewhere struct {
	net.Conn
	remote net.Addr
}

func (e elsewhere) RemoteAddr() net.Addr { return e.remote }

func TestCheck(t *testing.T) {
	if err := Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestCheckInNamespaces: in a network of its own, with a user namespace that knows one
// user.
func TestCheckInNamespaces(t *testing.T) {
	command := again(t, taskCheck)
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNET | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
	}
	said, err := command.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) {
		t.Logf("this system refuses namespaces, so that there is nothing to check: %v", err)
		return
	}
	if err != nil {
		t.Errorf("%v: %s", err, said)
	}
}

func TestAnswers(t *testing.T) {
	whole := request(netip.MustParseAddrPort("127.0.0.1:1"), netip.MustParseAddrPort("127.0.0.1:2"))
	if len(whole) != unix.SizeofNlMsghdr+requestSize {
		t.Errorf("a request of %d bytes", len(whole))
	}
	for label, test := range map[string]struct {
		answer []byte
		words  string
	}{
		"nothing":       {nil, "0 bytes"},
		"a request":     {whole, "56 bytes about a socket"},
		"a short error": {message(unix.NLMSG_ERROR, nil), "an error of 0 bytes"},
		"no socket":     {message(unix.NLMSG_ERROR, errorOf(unix.ENOENT)), "not on this machine"},
		"not allowed":   {message(unix.NLMSG_ERROR, errorOf(unix.EPERM)), "not permitted"},
		"the end":       {message(unix.NLMSG_DONE, nil), "type 3"},
		"no family":     {message(unix.SOCK_DIAG_BY_FAMILY, make([]byte, messageSize)), "family 0"},
	} {
		if found, err := parse(test.answer); err == nil || !strings.Contains(err.Error(), test.words) {
			t.Errorf("%s: %+v, %v; want %q", label, found, err, test.words)
		}
	}
}

func BenchmarkOwner(b *testing.B) {
	listener := listen(b, "tcp4", "127.0.0.1:0")
	dial(b, "", listener.Addr().String())
	here := accept(b, listener)
	for b.Loop() {
		if _, err := Owner(here); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzParse: what is read of an answer is what the bytes say, and nothing is read
// beyond them.
func FuzzParse(f *testing.F) {
	f.Add(message(unix.SOCK_DIAG_BY_FAMILY, append([]byte{unix.AF_INET, 1}, make([]byte, messageSize)...)))
	f.Add(message(unix.SOCK_DIAG_BY_FAMILY, append([]byte{unix.AF_INET6, 1}, make([]byte, messageSize)...)))
	f.Add(message(unix.NLMSG_ERROR, errorOf(unix.ENOENT)))
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, answer []byte) {
		found, err := parse(answer)
		if err != nil {
			if found != (socket{}) {
				t.Errorf("%+v beside %v", found, err)
			}
			return
		}
		if len(answer) < unix.SizeofNlMsghdr+messageSize {
			t.Errorf("%+v in %d bytes", found, len(answer))
		}
		body := answer[unix.SizeofNlMsghdr:]
		if found.state != body[1] || found.there.Port() != uint16(body[4])<<8|uint16(body[5]) || !found.there.IsValid() || found.there.Addr().Is4In6() {
			t.Errorf("%+v of % x", found, body)
		}
	})
}

// TestRequestMatchesAnswer: the kernel repeats in its answer the ends that were asked
// for, so both are written and read in the same way.
func TestRequestMatchesAnswer(t *testing.T) {
	listener := listen(t, "tcp6", "[::1]:0")
	dial(t, "", listener.Addr().String())
	there, here, err := ends(accept(t, listener))
	if err != nil {
		t.Fatal(err)
	}
	found, err := ask(there, here)
	if err != nil || found.there != there || found.here != here || found.inode == 0 {
		t.Errorf("asked for %s and %s, got %+v, %v", there, here, found, err)
	}
}
