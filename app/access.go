package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/user"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"polylens/internal/peer"
	"polylens/web"
)

// everybody stands for all users of the machine.
const everybody = "*"

// accessFlags say who may use a server, and by which names.
type accessFlags struct {
	InsecureAllowNetwork bool     `help:"Let in everybody on the network without a key: whoever reaches the address sees every picture. Needs --allowed-host."`
	RequireKey           bool     `env:"POLYLENS_REQUIRE_KEY" help:"Ask everybody for an API key also on a loopback address, such as behind a proxy that runs as your own user. Elsewhere that is so anyway."`
	AllowedHosts         []string `name:"allowed-host" placeholder:"NAME" env:"POLYLENS_ALLOWED_HOST" help:"A name or IP address by which others open the page, such as photos.example.org, besides those of this machine's loopback interface; requests for any other are refused. May be repeated."`
	AllowUsers           []string `name:"allow-user" placeholder:"NAME" env:"POLYLENS_ALLOW_USER" help:"A user of this machine, by name or number, who may see every picture and change collections without a key, besides the one who runs the server and root; such as the user of a reverse proxy. * is every user. Only the one who runs it and root may index folders. May be repeated."`
}

// access is what accessFlags come to for one address.
type access struct {
	guests  web.Guests
	hosts   []string
	network bool // others than this machine can reach the address
}

// forAddress checks the flags. A name counts as loopback only if it is localhost: what
// others resolve to may change.
func (f accessFlags) forAddress(address string) (access, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return access{}, fmt.Errorf("--addr %q: %w", address, err)
	}
	var a access
	if a.hosts, err = hostNames(f.AllowedHosts); err != nil {
		return access{}, err
	}
	ip := net.ParseIP(host)
	a.network = host != "localhost" && (ip == nil || !ip.IsLoopback())
	switch a.guests.Keys = f.RequireKey || a.network && !f.InsecureAllowNetwork; {
	case f.RequireKey && f.InsecureAllowNetwork:
		return access{}, errors.New("--require-key and --insecure-allow-network: want one of them")
	case a.network:
		a.guests.Network = f.InsecureAllowNetwork
		return a, f.checkNetwork()
	case f.RequireKey && len(f.AllowUsers) > 0:
		return access{}, errors.New("--allow-user lets users in without a key, and --require-key asks everybody for one: want one of them")
	}
	a.guests.Users, a.guests.Everybody, err = userNumbers(f.AllowUsers)
	return a, err
}

// checkNetwork refuses what makes no sense for an address that the network can reach.
func (f accessFlags) checkNetwork() error {
	switch {
	case len(f.AllowUsers) > 0 && !f.InsecureAllowNetwork:
		return errors.New("--allow-user is for a loopback address: others are asked for a key, see polylens key create")
	case f.InsecureAllowNetwork && len(f.AllowedHosts) == 0:
		return errors.New("--insecure-allow-network needs --allowed-host NAME, once for each name or IP address by which others open the page: " +
			"without it any web page that they visit could read the pictures, by pointing its own name at this machine (DNS rebinding)")
	case len(f.AllowUsers) > 0:
		return errors.New("--allow-user is for a loopback address: with --insecure-allow-network everybody is let in")
	}
	return nil
}

// hostNames are the names and addresses as browsers send them.
func hostNames(given []string) ([]string, error) {
	names := make([]string, len(given))
	for i, name := range given {
		if address, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
			names[i] = address.String()
			continue
		}
		ascii, err := idna.New(idna.MapForLookup(), idna.StrictDomainName(false)).ToASCII(name)
		if err != nil || name == "" || strings.ContainsAny(name, ":/*@?# ") {
			return nil, fmt.Errorf("--allowed-host %q: want a name or an IP address as it stands in the browser's address bar, "+
				"without http:// and without a port, such as photos.example.org", name)
		}
		names[i] = ascii
	}
	return names, nil
}

// userNumbers are the numbers of users who are named, and whether all are meant.
func userNumbers(given []string) (numbers []int, all bool, err error) {
	for _, name := range given {
		if name == everybody {
			all = true
			continue
		}
		number, err := userNumber(name)
		if err != nil {
			return nil, false, err
		}
		numbers = append(numbers, number)
	}
	return numbers, all, nil
}

func userNumber(name string) (int, error) {
	if number, err := strconv.ParseUint(name, 10, 31); err == nil {
		return int(number), nil
	}
	found, err := user.Lookup(name)
	if err != nil {
		return 0, fmt.Errorf("--allow-user %q: this machine has no such user; give a name, a number, or %q for every user", name, everybody)
	}
	number, err := strconv.Atoi(found.Uid)
	if err != nil {
		return 0, fmt.Errorf("--allow-user %q: users have no numbers here; give %q for every user", name, everybody)
	}
	return number, nil
}

// check refuses to go on where the system does not tell whose a connection is, and
// somebody would have to be refused by that.
func (a access) check(ctx context.Context) error {
	if a.guests.Network || a.guests.Everybody || a.guests.Keys {
		return nil
	}
	if err := peer.Check(ctx); err != nil {
		return fmt.Errorf("this system does not tell which user has made a connection (%w), so that nobody else could be kept out: "+
			"ask everybody for an API key with --require-key, or, if every user of this machine may see your pictures, say so with --allow-user '*'", err)
	}
	return nil
}

// localAddress is the address by which this machine reaches a listener.
func localAddress(listener net.Addr) string {
	address, err := netip.ParseAddrPort(listener.String())
	if err != nil || !address.Addr().IsUnspecified() {
		return listener.String()
	}
	return net.JoinHostPort("localhost", strconv.Itoa(int(address.Port())))
}
