package main

import (
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// milvusAddress is the value of --milvus if that is the address of a server,
// "" if it is a folder or nothing.
func (g *globals) milvusAddress() string {
	if isAddress(g.Milvus) {
		return g.Milvus
	}
	return ""
}

// isAddress reports whether text is http://HOST:PORT, https://… or HOST:PORT and not a
// folder. What exists in the file system is a folder, whatever it looks like.
func isAddress(value string) bool {
	if parsed, err := url.Parse(value); err == nil && parsed.Host != "" {
		return parsed.Scheme == "http" || parsed.Scheme == "https"
	}
	if _, err := os.Stat(value); err == nil {
		return false
	}
	host, port, err := net.SplitHostPort(value)
	if err != nil || host == "" || strings.ContainsAny(host, `/\`) {
		return false
	}
	number, err := strconv.ParseUint(port, 10, 16)
	return err == nil && number > 0
}
