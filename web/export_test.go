package web

import (
	"bytes"
	"net/http"
	"net/http/httptest"

	"golang.org/x/sync/semaphore"
)

// CountConnections lets a server have so many connections, and of strangers.
func CountConnections(server *http.Server, handler *Handler, most, mostStrangers int) {
	open := newConnections(most, mostStrangers)
	server.ConnContext, server.ConnState = open.context(handler, handler.ConnContext), open.watch
}

// Receive is what an upload holds, of a budget of bytes, and whether all is given back.
func Receive(contentType string, body []byte, most, budget int64) (file []byte, givenBack bool, err error) {
	shared := semaphore.NewWeighted(budget)
	holds := held{budget: shared}
	upload := Upload{
		ContentType: contentType, request: httptest.NewRequest("POST", "/", bytes.NewReader(body)), writer: httptest.NewRecorder(),
	}
	file, err = upload.receive(&holds, Limits{}.withDefaults(), most)
	holds.giveBack()
	return file, shared.TryAcquire(budget), err
}
