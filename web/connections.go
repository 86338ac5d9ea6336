package web

import (
	"net"
	"net/http"
	"sync/atomic"
)

// maxConnections bounds the connections that are open at a time, each of which holds
// some KiB whether it asks for anything or not. WebSockets are counted by Limits.Live.
const maxConnections = 1024

// limitConnections closes what goes beyond most.
func limitConnections(most int64) func(net.Conn, http.ConnState) {
	var open atomic.Int64
	return func(connection net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			if open.Add(1) > most {
				connection.Close()
			}
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		}
	}
}
