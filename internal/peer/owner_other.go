//go:build !linux

package peer

import (
	"errors"
	"net"
	"net/netip"
)

func owner(_ net.Conn, _, _ netip.AddrPort) (int, error) { return 0, errors.ErrUnsupported }
