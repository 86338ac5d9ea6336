package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"
)

// ErrUnknown is returned, wrapped, when nobody can be named: the other end is on
// another machine or in another network namespace, its socket is closed already, or
// it belongs to a user that this process's user namespace does not know.
var ErrUnknown = errors.New("the user at the other end is not known")

// Owner returns the number of the user who made the socket at the other end of a TCP
// connection. Ask right after the connection was accepted: the answer is about this
// moment. It is ErrUnknown in all doubt, and errors.ErrUnsupported where the system does
// not tell such things.
func Owner(connection net.Conn) (int, error) {
	there, here, err := ends(connection)
	if err != nil {
		return 0, err
	}
	return owner(connection, there, here)
}

// ends are the addresses of a connection: the other end's and this one's.
func ends(connection net.Conn) (there, here netip.AddrPort, err error) {
	remote, ok := connection.RemoteAddr().(*net.TCPAddr)
	local, too := connection.LocalAddr().(*net.TCPAddr)
	if !ok || !too {
		return there, here, fmt.Errorf("%w: %s is no TCP connection", ErrUnknown, connection.RemoteAddr().Network())
	}
	return unmapped(remote.AddrPort()), unmapped(local.AddrPort()), nil
}

// unmapped writes an IPv4 address as one, also where a socket for IPv6 has it.
func unmapped(address netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(address.Addr().Unmap(), address.Port())
}

// checkLimit bounds Check.
const checkLimit = 5 * time.Second

// Check reports whether Owner works here, by a connection of this process to itself.
func Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", "localhost:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	var dialer net.Dialer
	there, err := dialer.DialContext(ctx, "tcp", listener.Addr().String())
	if err != nil {
		return err
	}
	defer there.Close()
	here, err := listener.Accept() // at once: it is connected already
	if err != nil {
		return err
	}
	defer here.Close()
	user, err := Owner(here)
	if err == nil && user != os.Geteuid() {
		return fmt.Errorf("the system takes a connection of user %d for one of user %d", os.Geteuid(), user)
	}
	return err
}
