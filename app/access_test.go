package main

import (
	"net"
	"os"
	"os/user"
	"slices"
	"strconv"
	"testing"
)

func TestAccess(t *testing.T) {
	own, err := user.LookupId(strconv.Itoa(os.Geteuid()))
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(own.Uid)
	if err != nil {
		t.Fatal(err)
	}
	for label, test := range map[string]struct {
		address string
		flags   accessFlags
		users   []int
		hosts   []string
		all     bool
		network bool
		keys    bool
	}{
		"alone":             {address: "127.0.0.1:0"},
		"by name":           {address: "localhost:80"},
		"IPv6":              {address: "[::1]:80"},
		"users":             {address: "127.0.0.1:0", flags: accessFlags{AllowUsers: []string{"4711", own.Username}}, users: []int{4711, number}},
		"every user":        {address: "127.0.0.1:0", flags: accessFlags{AllowUsers: []string{"*"}}, all: true},
		"names of a proxy":  {address: "127.0.0.1:0", flags: accessFlags{AllowedHosts: []string{"Photos.Example.org", "bücher.example", "my_nas"}}, hosts: []string{"photos.example.org", "xn--bcher-kva.example", "my_nas"}},
		"a network":         {address: "0.0.0.0:0", flags: accessFlags{InsecureAllowNetwork: true, AllowedHosts: []string{"192.0.2.7", "[2001:db8:0::7]"}}, hosts: []string{"192.0.2.7", "2001:db8::7"}, network: true},
		"a needless flag":   {address: "127.0.0.1:0", flags: accessFlags{InsecureAllowNetwork: true}},
		"another's own one": {address: "127.9.9.9:0"},
		"with keys":         {address: "0.0.0.0:0", keys: true},
		"one's own address": {address: "192.0.2.7:80", flags: accessFlags{AllowedHosts: []string{"photos.example.org"}}, hosts: []string{"photos.example.org"}, keys: true},
		"a name":            {address: "photos.example.org:80", keys: true},
		"keys for all":      {address: "127.0.0.1:0", flags: accessFlags{RequireKey: true}, keys: true},
	} {
		got, err := test.flags.forAddress(test.address)
		if err != nil || !slices.Equal(got.guests.Users, test.users) || !slices.Equal(got.hosts, test.hosts) ||
			got.guests.Everybody != test.all || got.guests.Network != test.network || got.guests.Keys != test.keys {
			t.Errorf("%s: got %+v, %v", label, got, err)
		}
	}
}

func TestAccessThatMakesNoSense(t *testing.T) {
	f := newFolders(t)
	const open = "--insecure-allow-network"
	for _, test := range []struct {
		words     []string
		arguments []string
	}{
		{[]string{open, "--allowed-host NAME"}, []string{"--addr", "0.0.0.0:0", open}},
		{[]string{"--allow-user", "key create"}, []string{"--addr", "0.0.0.0:0", "--allow-user", "0"}},
		{[]string{"--require-key", open}, []string{"--addr", "0.0.0.0:0", open, "--require-key", "--allowed-host", "photos.example.org"}},
		{[]string{"--require-key", "--allow-user"}, []string{"--require-key", "--allow-user", "0"}},
		{[]string{"--tls-key", "--tls-certificate"}, []string{"--tls-certificate", "a.pem"}},
		{[]string{"--key-rate"}, []string{"--key-rate", "0"}},
		{[]string{"--allow-user", "loopback"}, []string{"--addr", "0.0.0.0:0", open, "--allowed-host", "photos.example.org", "--allow-user", "0"}},
		{[]string{"nobody-of-this-name", "no such user", "every user"}, []string{"--allow-user", "nobody-of-this-name"}},
		{[]string{"--allow-user", "-1"}, []string{"--allow-user=-1"}},
		{[]string{"https://photos.example.org", "without http://"}, []string{"--allowed-host", "https://photos.example.org"}},
		{[]string{"photos.example.org:80", "without a port"}, []string{"--allowed-host", "photos.example.org:80"}},
		{[]string{"*.example.org", "want a name"}, []string{"--allowed-host", "*.example.org"}},
		{[]string{"--allowed-host", "want a name"}, []string{"--allowed-host", "a b"}},
	} {
		f.fail(t, exitUsage, test.words, append([]string{"serve"}, test.arguments...)...)
	}
}

func TestLocalAddress(t *testing.T) {
	for listener, want := range map[string]string{
		"127.0.0.1:80": "127.0.0.1:80", "[::]:80": "localhost:80", "0.0.0.0:80": "localhost:80", "192.0.2.7:80": "192.0.2.7:80", "[::1]:80": "[::1]:80",
	} {
		address, err := net.ResolveTCPAddr("tcp", listener)
		if err != nil {
			t.Fatal(err)
		}
		if got := localAddress(address); got != want {
			t.Errorf("%s is reached at %s, want %s", listener, got, want)
		}
	}
}
