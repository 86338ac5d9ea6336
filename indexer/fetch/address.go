package fetch

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

const (
	maxURL   = 8 << 10 // bytes, as servers commonly take
	maxShown = 200
)

// parse reads a URL and brings its host into one form: a name in lower case and ASCII
// without a dot at its end, or an address. It judges everything but what a name leads to.
func (g *guard) parse(text string) (*url.URL, error) {
	if len(text) > maxURL {
		return nil, fail(BadURL, "the URL has %d bytes; the limit is %d", len(text), maxURL)
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, fail(BadURL, "it is not a URL: write it as https://HOST/PATH, with %%XX for what is not allowed in one")
	}
	return u, g.judge(u)
}

// judge checks a URL and normalizes its host.
func (g *guard) judge(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fail(BadURL, "the scheme %q is not fetched: use https, http or data", short(u.Scheme, 20))
	case u.User != nil:
		return fail(BadURL, "a user name or password in a URL is not sent: use a URL that is signed, or one without")
	case u.Opaque != "" || u.Hostname() == "":
		return fail(BadURL, "it names no host: write it as %s://HOST/PATH", u.Scheme)
	}
	host, err := normalHost(u.Hostname())
	if err != nil {
		return fail(BadURL, "its host cannot be used: %v", err)
	}
	port, err := g.port(u)
	if err != nil {
		return err
	}
	if literal, err := netip.ParseAddr(host); err == nil {
		if err := g.address(literal); err != nil {
			return g.notPublic(err)
		}
	}
	u.Host = joinHost(host, port, u.Scheme)
	u.Fragment, u.RawFragment = "", ""
	return nil
}

// port is the port of a URL, if it may be named.
func (g *guard) port(u *url.URL) (uint16, error) {
	text := u.Port()
	if text == "" {
		text = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return 0, fail(BadURL, "its port is not a number from 1 to 65535")
	}
	if !g.ports[uint16(port)] {
		return 0, fail(NotAllowed, "its port %d is not allowed%s", port, option(g.names.Ports, "allows others"))
	}
	return uint16(port), nil
}

func joinHost(host string, port uint16, scheme string) string {
	if scheme == "http" && port == 80 || scheme == "https" && port == 443 {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

var (
	errName   = errors.New("it is not a name of the domain name system")
	errZone   = errors.New("an address with a zone belongs to one machine only")
	errNumber = errors.New("an address is written as four numbers such as 192.0.2.1, or as IPv6 in brackets")
)

// normalHost is the one form of a host's name or address. Other notations of addresses
// that some resolvers know, such as 127.1, 0x7f000001 and 2130706433, are refused.
func normalHost(host string) (string, error) {
	if strings.Contains(host, "%") {
		return "", errZone
	}
	if strings.Contains(host, ":") {
		address, err := netip.ParseAddr(host)
		if err != nil {
			return "", errNumber
		}
		return address.String(), nil
	}
	name, err := asciiName(host)
	if err != nil {
		return "", errName
	}
	if !endsInNumber(name) {
		return name, checkLabels(name)
	}
	address, err := netip.ParseAddr(name)
	if err != nil {
		return "", errNumber
	}
	return address.String(), nil
}

// asciiName is a name as name servers know it. Names in ASCII are not put through IDNA,
// whose rules forbid underscores that real names have.
func asciiName(name string) (string, error) {
	if !utf8.ValidString(name) {
		return "", errName
	}
	for i := range len(name) {
		if name[i] >= 0x80 {
			ascii, err := idna.Lookup.ToASCII(name)
			return strings.TrimSuffix(strings.ToLower(ascii), "."), err
		}
	}
	return strings.TrimSuffix(strings.ToLower(name), "."), nil
}

// endsInNumber is how the URL standard of the WHATWG tells addresses from names.
func endsInNumber(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	if last == "" {
		return false
	}
	if strings.Trim(last, "0123456789") == "" {
		return true
	}
	hex, ok := strings.CutPrefix(last, "0x")
	return ok && strings.Trim(hex, "0123456789abcdef") == ""
}

func checkLabels(name string) error {
	if len(name) > 253 {
		return errName
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return errName
		}
	}
	return nil
}

// shown is a URL as it may be shown to anybody: without user, query and fragment, which
// may be secrets. Of what is no URL with a host, nothing is shown that may be one.
func shown(text string) string {
	if strings.TrimSpace(text) == "" {
		return strconv.Quote(short(text, maxShown))
	}
	if isData(text) {
		head, _, _ := strings.Cut(text[:min(len(text), maxShown)], ",")
		return short(head, 40) + ",…"
	}
	u, err := url.Parse(text[:min(len(text), maxURL)])
	if err != nil || u.Host == "" {
		return shownPart(text)
	}
	plain := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	if u.RawQuery != "" {
		return short(plain.String(), maxShown) + "?…"
	}
	return short(plain.String(), maxShown)
}

func shownPart(text string) string {
	if strings.Contains(text, "@") || strings.Contains(text, "%40") {
		scheme, _, ok := strings.Cut(text, ":")
		if !ok || strings.ContainsAny(scheme, "@?#/%") {
			return "…"
		}
		return short(scheme, 20) + ":…"
	}
	if end := strings.IndexAny(text, "?#"); end >= 0 {
		return short(text[:end], maxShown) + "?…"
	}
	return short(text, maxShown)
}
