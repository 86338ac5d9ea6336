package web

import (
	"bytes"
	"net/http/httptest"

	"golang.org/x/sync/semaphore"
)

// LimitConnections is limitConnections, for tests.
var LimitConnections = limitConnections

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
