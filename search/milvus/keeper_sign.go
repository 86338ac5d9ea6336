package milvus

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// signingKey is what the sockets of one run sign with. It never leaves the keeper
// and the kernel.
type signingKey [unix.TCP_MD5SIG_MAXKEYLEN]byte

func newKey() (key signingKey) {
	_, _ = rand.Read(key[:]) // never fails
	return key
}

// sign makes a socket, as yet unconnected, sign all that it sends and drop whatever
// comes without a signature of the same key (RFC 2385, meant for routers), and
// confines it to the loopback interface. Connections that it accepts do the same.
func (key *signingKey) sign(socket int) error {
	if err := unix.BindToDevice(socket, "lo"); err != nil {
		return fmt.Errorf("bind a socket to the loopback interface: %w", err)
	}
	option := unix.TCPMD5Sig{Flags: unix.TCP_MD5SIG_FLAG_PREFIX, Keylen: uint16(len(key)), Key: *key}
	option.Addr.Family = unix.AF_INET // with a prefix of no bits: whoever the other side is
	if err := unix.SetsockoptTCPMD5Sig(socket, unix.IPPROTO_TCP, unix.TCP_MD5SIG_EXT, &option); err != nil {
		return fmt.Errorf("sign the packets of a socket (TCP_MD5SIG): %w", err)
	}
	return nil
}

// socket opens a socket that signs. Only TCP over IPv4 can.
func (key *signingKey) socket(domain, kind, protocol int) (int, error) {
	const flags = unix.SOCK_NONBLOCK | unix.SOCK_CLOEXEC
	switch {
	case domain != unix.AF_INET:
		return -1, unix.EAFNOSUPPORT
	case kind&^flags != unix.SOCK_STREAM:
		return -1, unix.EACCES
	case protocol != 0 && protocol != unix.IPPROTO_TCP:
		return -1, unix.EPROTONOSUPPORT
	}
	socket, err := unix.Socket(domain, kind|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return -1, err
	}
	if err := key.sign(socket); err != nil {
		return -1, errors.Join(err, unix.Close(socket))
	}
	return socket, nil
}

// dialer reaches who signs with the key.
func (key signingKey) dialer() net.Dialer {
	return net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		var signed error
		err := raw.Control(func(socket uintptr) { signed = key.sign(int(socket)) })
		return errors.Join(err, signed)
	}}
}
