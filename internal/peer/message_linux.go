package peer

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Lengths of the structures of linux/inet_diag.h.
const (
	requestSize = 56 // inet_diag_req_v2
	messageSize = 72 // inet_diag_msg, without what follows
	idSize      = 48 // inet_diag_sockid, which is in both
)

// request is a netlink message that asks for one TCP socket: inet_diag_req_v2 in a
// nlmsghdr. local and remote are as that socket sees them.
func request(local, remote netip.AddrPort) []byte {
	family := byte(unix.AF_INET6)
	if local.Addr().Is4() {
		family = unix.AF_INET
	}
	b := make([]byte, 0, unix.SizeofNlMsghdr+requestSize)
	b = binary.NativeEndian.AppendUint32(b, unix.SizeofNlMsghdr+requestSize)
	b = binary.NativeEndian.AppendUint16(b, unix.SOCK_DIAG_BY_FAMILY)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST)
	b = append(b, make([]byte, 8)...) // sequence and port: there is one request, by this process
	b = append(b, family, unix.IPPROTO_TCP, 0, 0)
	b = binary.NativeEndian.AppendUint32(b, ^uint32(0)) // in every state
	b = binary.BigEndian.AppendUint16(b, local.Port())
	b = binary.BigEndian.AppendUint16(b, remote.Port())
	b = appendAddress(b, local.Addr())
	b = appendAddress(b, remote.Addr())
	b = append(b, 0, 0, 0, 0)                              // through any interface
	return binary.NativeEndian.AppendUint64(b, ^uint64(0)) // with any cookie
}

// appendAddress writes an address into its 16 bytes, of which one of IPv4 has the first.
func appendAddress(b []byte, address netip.Addr) []byte {
	var field [16]byte
	copy(field[:], address.AsSlice())
	return append(b, field[:]...)
}

// socket is what the kernel says of one.
type socket struct {
	state       byte
	there, here netip.AddrPort // its own end, and what it is connected to
	user, inode uint32
}

// parseSocket reads an inet_diag_msg.
func parseSocket(b []byte) (socket, error) {
	if len(b) < messageSize {
		return socket{}, fmt.Errorf("%w: an answer of %d bytes about a socket", ErrUnknown, len(b))
	}
	family, id := b[0], b[4:4+idSize]
	found := socket{
		state: b[1],
		user:  binary.NativeEndian.Uint32(b[64:]),
		inode: binary.NativeEndian.Uint32(b[68:]),
	}
	own, ok := address(family, id[4:20])
	other, too := address(family, id[20:36])
	if !ok || !too {
		return socket{}, fmt.Errorf("%w: a socket of family %d", ErrUnknown, family)
	}
	found.there = netip.AddrPortFrom(own, binary.BigEndian.Uint16(id))
	found.here = netip.AddrPortFrom(other, binary.BigEndian.Uint16(id[2:]))
	return found, nil
}

func address(family byte, field []byte) (netip.Addr, bool) {
	switch family {
	case unix.AF_INET:
		return netip.AddrFrom4([4]byte(field)), true
	case unix.AF_INET6:
		return netip.AddrFrom16([16]byte(field)).Unmap(), true
	}
	return netip.Addr{}, false
}

// refusal is the error in an nlmsgerr.
func refusal(b []byte) error {
	if len(b) < 4 {
		return fmt.Errorf("%w: an error of %d bytes", ErrUnknown, len(b))
	}
	number := unix.Errno(-int32(binary.NativeEndian.Uint32(b)))
	if number == unix.ENOENT {
		return fmt.Errorf("%w: it is not on this machine, or closed already", ErrUnknown)
	}
	return fmt.Errorf("ask the system for the owner of a socket: %w", number)
}
