package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"polylens/indexer/catalog"

	"github.com/gorilla/websocket"
)

const (
	itemsAtOnce = 200         // of a message, and in memory for a connection
	lookForMore = time.Second // for items of jobs whose progress nobody has heard of
)

// watchItems sends over a WebSocket what becomes of the items of a push, in order of their
// numbers and each once: those after a number that the client names, and then what is done
// from now on. An item is sent when all before it have their outcome, so that whoever comes
// back with the number of the last one has missed none. Once the job is at its end, what is
// left is sent, then the job, and the connection is closed.
//
// Nothing is kept for a client: what it does not take stays in the catalogue, and one that
// takes no message for writeWait is cut off.
func (s *server) watchItems(w http.ResponseWriter, r *http.Request) {
	stream := &itemStream{server: s}
	err := mayDo(r.Context(), "list-items", "") // which needs more than the progress of jobs
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if stream.job, stream.after, err = itemsWanted(r.URL.Query()); err != nil {
		s.refuse(w, r, err)
		return
	}
	connected(s, w, r, s.jobs, stream.present, func(allowed context.Context, connection *websocket.Conn, watcher *watcher[Job], begin any) {
		stream.connection, stream.watcher = connection, watcher
		if writeEvent(connection, begin) == nil {
			stream.run(allowed)
		}
	})
}

// itemsWanted reads which job's items are wanted, and after which number.
func itemsWanted(query url.Values) (job string, after int64, err error) {
	job = query.Get("items")
	if job == "" || len(job) > 64 {
		return "", 0, fmt.Errorf("items=%.80q is %w: give the identity of a job", job, catalog.ErrInvalid)
	}
	if !query.Has("after") {
		return job, 0, nil
	}
	after, err = strconv.ParseInt(query.Get("after"), 10, 64)
	if err != nil || after < 0 {
		return "", 0, fmt.Errorf("after=%.80q is %w: give the number of the last item that was received, or 0", query.Get("after"), catalog.ErrInvalid)
	}
	return job, after, nil
}

// itemStream is one connection that gets items.
type itemStream struct {
	*server
	job        string
	after      int64 // number of the last that was sent
	connection *websocket.Conn
	watcher    *watcher[Job]
}

// present is the job as it is; an error if there is none, or none with items.
func (x *itemStream) present(ctx context.Context) (any, error) {
	job, err := x.server.job(ctx, x.job)
	if err == nil {
		_, err = x.Pushes.Items(ctx, x.job, catalog.ItemFilter{After: x.after, Limit: 1})
	}
	return map[string]Job{"job": newJob(job)}, err
}

// run sends until everything is sent, the client is gone, or it may listen no longer.
func (x *itemStream) run(allowed context.Context) {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		sent, ended, err := x.step(allowed)
		switch {
		case allowed.Err() != nil:
			goodbye(x.connection, websocket.ClosePolicyViolation, errRightsEnded.Error())
			return
		case errors.Is(err, errClientGone):
			return
		case err != nil:
			x.Logger.Error("cannot send the items of a job", "job", x.job, "after", x.after, "error", err)
			goodbye(x.connection, websocket.CloseTryAgainLater, "connect again, after the last item")
			return
		case ended:
			goodbye(x.connection, websocket.CloseNormalClosure, "")
			return
		}
		if !x.await(allowed, ping.C, sent) {
			return
		}
	}
}

// await waits for news, unless more is there already. It is false when the client is gone.
func (x *itemStream) await(allowed context.Context, ping <-chan time.Time, more bool) bool {
	look := time.NewTimer(lookForMore)
	defer look.Stop()
	if more {
		look.Reset(0)
	}
	for {
		select {
		case <-allowed.Done():
			return true // run says goodbye
		case <-x.watcher.gone:
			goodbye(x.connection, websocket.CloseGoingAway, "")
			return false
		case <-ping:
			if x.connection.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWait)) != nil {
				return false
			}
		case <-look.C:
			x.watcher.take() // changes of jobs, which would pile up
			return true
		case <-x.watcher.wake:
			for _, changed := range x.watcher.take() {
				if changed.ID == x.job {
					look.Reset(tellInterval) // what is done next gathers meanwhile
				}
			}
		}
	}
}

// step sends one message, if there is something to send. The state of the job is read
// before its items: one that is at its end gets no more of them.
func (x *itemStream) step(ctx context.Context) (sent, ended bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	job, err := x.server.job(ctx, x.job)
	if err != nil {
		return false, false, err
	}
	results, err := x.Pushes.Items(ctx, x.job, catalog.ItemFilter{After: x.after, Limit: itemsAtOnce})
	if err != nil {
		return false, false, err
	}
	if !job.State.Finished() {
		results = inARow(results, x.after)
	} else if len(results) == 0 {
		return false, true, x.write(map[string]Job{"job": newJob(job)})
	}
	if len(results) == 0 {
		return false, false, nil
	}
	items := make([]Item, len(results))
	for i, result := range results {
		items[i] = x.newItem(result)
	}
	if err := x.write(map[string][]Item{"items": items}); err != nil {
		return false, false, err
	}
	x.after = results[len(results)-1].Number
	return true, false, nil
}

// errClientGone is for a client that takes no messages any more.
var errClientGone = errors.New("the client is gone")

func (x *itemStream) write(event any) error {
	if writeEvent(x.connection, event) != nil {
		return errClientGone
	}
	return nil
}

// inARow are the first results whose numbers follow each other after a number.
func inARow(results []catalog.ItemResult, after int64) []catalog.ItemResult {
	for i, result := range results {
		if result.Number != after+int64(i)+1 {
			return results[:i]
		}
	}
	return results
}
