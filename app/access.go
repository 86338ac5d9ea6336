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
	InsecureAllowNetwork bool     `help:"Allow an address that others on the network can reach. Polylens asks nobody for a password yet: whoever reaches it sees every picture. Needs --allowed-host."`
	AllowedHosts         []string `name:"allowed-host" placeholder:"NAME" env:"POLYLENS_ALLOWED_HOST" help:"A name or IP address by which others open the page, such as photos.example.org, besides those of this machine's loopback interface; requests for any other are refused. May be repeated."`
	AllowUsers           []string `name:"allow-user" placeholder:"NAME" env:"POLYLENS_ALLOW_USER" help:"A user of this machine, by name or number, who may see every picture and change collections, besides the one who runs the server and root; such as the user of a reverse proxy. * is every user. Only the one who runs it and root may index folders. May be repeated."`
}

// access is what accessFlags come to for one address.
type access struct {
	guests web.Guests
	hosts  []string
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
	if host == "localhost" || ip != nil && ip.IsLoopback() {
		a.guests.Users, a.guests.Everybody, err = userNumbers(f.AllowUsers)
		return a, err
	}
	a.guests.Network = true
	return a, f.checkNetwork(address)
}

// checkNetwork refuses an address that the network can reach, unless that is accepted,
// with the names that requests may be for.
func (f accessFlags) checkNetwork(address string) error {
	switch {
	case !f.InsecureAllowNetwork:
		return fmt.Errorf("--addr %s can be reached from the network, and Polylens asks nobody for a password yet: "+
			"use a loopback address, or accept it with --insecure-allow-network and --allowed-host NAME", address)
	case len(f.AllowedHosts) == 0:
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
	if a.guests.Network || a.guests.Everybody {
		return nil
	}
	if err := peer.Check(ctx); err != nil {
		return fmt.Errorf("this system does not tell which user has made a connection (%w), so that nobody else could be kept out: "+
			"if every user of this machine may see your pictures, say so with --allow-user '*'", err)
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
