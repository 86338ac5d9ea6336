package peer

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// owner asks the kernel for the socket with exactly the other end's addresses
// (sock_diag(7)), which takes no longer where there are many sockets.
//
// That socket counts only while a file holds it open. The kernel goes on with sockets
// that are closed, and says user 0 of them, who is root: those have no inode.
//
// This end is looked at last. While it is connected, no other socket can be connected
// with these addresses, so the one that was found is its mate. A connection that was
// broken off before it was accepted may hold a request all the same, and its port at the
// other end may be another user's by now.
func owner(connection net.Conn, there, here netip.AddrPort) (int, error) {
	found, err := ask(there, here)
	switch {
	case err != nil:
		return 0, err
	case found.there != there || found.here != here || !found.isConnected():
		return 0, fmt.Errorf("%w: no socket at %s is connected to %s", ErrUnknown, there, here)
	case found.inode == 0:
		return 0, fmt.Errorf("%w: the socket at %s is closed already", ErrUnknown, there)
	case isOverflow(found.user):
		return 0, fmt.Errorf("%w: the user namespace does not know the owner of the socket at %s", ErrUnknown, there)
	}
	if err := isStillConnected(connection); err != nil {
		return 0, err
	}
	return int(found.user), nil
}

// isConnected reports whether the socket is connected, and this end with it: it may have
// said that nothing more comes from it.
func (s socket) isConnected() bool {
	return s.state == unix.BPF_TCP_ESTABLISHED || s.state == unix.BPF_TCP_FIN_WAIT1 || s.state == unix.BPF_TCP_FIN_WAIT2
}

// isStillConnected returns ErrUnknown for a connection that was broken off.
func isStillConnected(connection net.Conn) error {
	raw, ok := connection.(syscall.Conn)
	if !ok {
		return fmt.Errorf("%w: the connection is not a socket", ErrUnknown)
	}
	control, err := raw.SyscallConn()
	if err != nil {
		return err
	}
	var info *unix.TCPInfo
	failed := control.Control(func(handle uintptr) {
		info, err = unix.GetsockoptTCPInfo(int(handle), unix.IPPROTO_TCP, unix.TCP_INFO)
	})
	if err := errors.Join(failed, err); err != nil {
		return err
	}
	if info.State != unix.BPF_TCP_ESTABLISHED && info.State != unix.BPF_TCP_CLOSE_WAIT {
		return fmt.Errorf("%w: the connection was broken off", ErrUnknown)
	}
	return nil
}

// ask sends one request to the kernel and reads the answer, which is there when the
// request is sent: nothing waits.
func ask(there, here netip.AddrPort) (socket, error) {
	kernel, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return socket{}, fmt.Errorf("ask the system for the owner of a socket: %w", err)
	}
	defer unix.Close(kernel)
	if err := unix.Sendto(kernel, request(there, here), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return socket{}, fmt.Errorf("ask the system for the owner of a socket: %w", err)
	}
	answer := make([]byte, 4096)
	n, from, err := unix.Recvfrom(kernel, answer, unix.MSG_DONTWAIT)
	if err != nil {
		return socket{}, fmt.Errorf("the system's answer about a socket: %w", err)
	}
	if sender, ok := from.(*unix.SockaddrNetlink); !ok || sender.Pid != 0 {
		return socket{}, fmt.Errorf("%w: the answer is not the kernel's", ErrUnknown)
	}
	return parse(answer[:n])
}

// parse reads the first message of an answer.
func parse(answer []byte) (socket, error) {
	messages, err := syscall.ParseNetlinkMessage(answer)
	if err != nil || len(messages) == 0 {
		return socket{}, fmt.Errorf("%w: an answer of %d bytes", ErrUnknown, len(answer))
	}
	switch message := messages[0]; message.Header.Type {
	case unix.SOCK_DIAG_BY_FAMILY:
		return parseSocket(message.Data)
	case unix.NLMSG_ERROR:
		return socket{}, refusal(message.Data)
	default:
		return socket{}, fmt.Errorf("%w: an answer of type %d", ErrUnknown, message.Header.Type)
	}
}
