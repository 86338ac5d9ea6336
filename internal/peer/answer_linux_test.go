package peer

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// message is one netlink message.
func message(kind uint16, body []byte) []byte {
	b := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, make([]byte, unix.SizeofNlMsghdr-len(b))...)
	return append(b, body...)
}

// errorOf is the body of a message of type NLMSG_ERROR.
func errorOf(number unix.Errno) []byte {
	return append(binary.NativeEndian.AppendUint32(nil, uint32(-int32(number))), make([]byte, unix.SizeofNlMsghdr)...)
}
