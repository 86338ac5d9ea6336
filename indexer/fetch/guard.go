package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"code.dny.dev/ssrf"
)

// guard knows where Polylens may go.
type guard struct {
	ports    map[uint16]bool
	hosts    map[string]bool // allowed wherever they lead
	prefixes []netip.Prefix  // allowed although they are not public
	public   *ssrf.Guardian
	names    Names
}

// azureWire is in a public range, but is the host of each machine in Azure, which
// answers with the machine's configuration and certificates.
var azureWire = netip.MustParsePrefix("168.63.129.16/32")

func newGuard(options Options) (*guard, error) {
	g := &guard{ports: map[uint16]bool{}, hosts: map[string]bool{}, names: options.Names}
	for _, port := range options.Ports {
		g.ports[port] = true
	}
	for _, text := range options.Allow {
		if err := g.allow(text); err != nil {
			return nil, err
		}
	}
	g.public = ssrf.New(ssrf.WithAnyPort(), ssrf.WithDeniedV4Prefixes(azureWire))
	return g, nil
}

func (g *guard) allow(text string) error {
	if prefix, err := netip.ParsePrefix(text); err == nil {
		g.prefixes = append(g.prefixes, prefix.Masked())
		return nil
	}
	if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
		g.prefixes = append(g.prefixes, netip.PrefixFrom(address, address.BitLen()))
		return nil
	}
	host, err := normalHost(text)
	if err != nil {
		return fmt.Errorf("%q cannot be allowed: write an address, a prefix such as 10.0.0.0/8, or the name of a host without a port", text)
	}
	g.hosts[host] = true
	return nil
}

// address returns an error unless the address is public or allowed. One of NAT64 leads
// on to the IPv4 address within, which has to be so, too.
func (g *guard) address(a netip.Addr) error {
	for _, prefix := range g.prefixes {
		if prefix.Contains(a) {
			return g.within(a)
		}
	}
	return g.public.SafeAddr(a)
}

func (g *guard) within(a netip.Addr) error {
	if !ssrf.IPv6NAT64Prefix.Contains(a) {
		return nil
	}
	bytes := a.As16()
	return g.address(netip.AddrFrom4([4]byte(bytes[12:])))
}

var errPort = errors.New("prohibited port")

// control judges the address that is about to be connected to, after its name was
// resolved. It is the Control of a net.Dialer.
func (g *guard) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", ssrf.ErrInvalidHostPort, address)
	}
	if !g.ports[at.Port()] {
		return errPort
	}
	return g.address(at.Addr())
}

func (g *guard) notPublic(cause error) *Error {
	return fail(NotAllowed, "its address is not a public one, and not allowed%s", option(g.names.Allow, "allows others")).because(cause)
}

func prohibited(err error) bool {
	return errors.Is(err, ssrf.ErrProhibitedIP) || errors.Is(err, ssrf.ErrInvalidHostPort) || errors.Is(err, errPort)
}

// dialer gives the way to connect. Hosts that are allowed by name are not judged by their
// address.
func (g *guard) dialer(options Options) func(context.Context, string, string) (net.Conn, error) {
	trusting := &net.Dialer{Timeout: options.Connect, Resolver: options.Resolver}
	judging := *trusting
	judging.Control = g.control
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if host, _, err := net.SplitHostPort(address); err == nil && g.hosts[host] {
			return trusting.DialContext(ctx, network, address)
		}
		return judging.DialContext(ctx, network, address)
	}
}
