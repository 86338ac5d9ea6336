package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"polylens/indexer/catalog"
	"polylens/internal/text"

	"github.com/gorilla/websocket"
)

// Limits of a live connection.
const (
	writeWait    = 10 * time.Second // for one message to leave
	pongWait     = 60 * time.Second // without a sign of life the connection is closed
	pingEvery    = 25 * time.Second
	maxIncoming  = 512                    // bytes; clients have nothing to say
	watchedJobs  = 100                    // that a live connection begins with
	followAgain  = time.Second            // after the catalogue failed
	askLimit     = 10 * time.Second       // for the number to follow from
	checkRights  = 2 * time.Second        // whether who listens still may
	tellInterval = 200 * time.Millisecond // at most five messages a second for each job or run
)

// watchJobs reports over a WebSocket how the jobs go, or what becomes of the items of one.
func (s *server) watchJobs(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("items") {
		s.watchItems(w, r)
		return
	}
	present := func(ctx context.Context) (any, error) {
		jobs, err := s.Jobs.List(ctx, catalog.JobFilter{Limit: watchedJobs, Among: callerOf(ctx).rights.limit()})
		return map[string][]Job{"jobs": newJobs(jobs)}, err
	}
	who := callerOf(r.Context()).rights
	live(s, w, r, s.jobs, present, func(job Job) any {
		if !who.allows(job.Collection) {
			return nil
		}
		return map[string]Job{"job": job}
	})
}

// followJobs publishes changes of jobs from now on, until stop is called.
func (s *server) followJobs() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	after, err := s.lastJob(ctx)
	var ended sync.WaitGroup
	ended.Go(func() {
		for ; ctx.Err() == nil; pause(ctx.Done(), followAgain) {
			if err != nil { // whoever reconnects sees what changed meanwhile
				after, err = s.lastJob(ctx)
			}
			failed := err
			if err == nil {
				failed = s.follow(ctx, &after)
			}
			if ctx.Err() == nil {
				s.Logger.Error("cannot follow jobs, trying again", "error", failed)
			}
		}
	})
	return func() {
		cancel()
		ended.Wait()
	}
}

// lastJob is the number of the last change of all jobs.
func (s *server) lastJob(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	return s.Jobs.Last(ctx)
}

// follow publishes changes after the one with a given number, and keeps the number
// of the last.
func (s *server) follow(ctx context.Context, after *int64) error {
	return s.Jobs.Follow(ctx, *after, func(jobs []catalog.Job) error {
		for _, job := range jobs {
			s.jobs.publish(newJob(job))
			*after = job.Sequence
		}
		return nil
	})
}

func newJobHub() *hub[Job] {
	return newHub(func(job Job) string { return job.ID }, func(_, newer Job) Job { return newer })
}

// live upgrades to a WebSocket and sends the present state, then each change in the
// form that message gives it; nil leaves it out. It ends with the rights of whoever
// listens.
func live[T any](s *server, w http.ResponseWriter, r *http.Request, hub *hub[T],
	present func(context.Context) (any, error), message func(T) any) {
	connected(s, w, r, hub, present, func(allowed context.Context, connection *websocket.Conn, watcher *watcher[T], begin any) {
		tell(allowed, connection, watcher, begin, message)
	})
}

// connected upgrades to a WebSocket and has talk do what comes then: from the present state
// on, until the client goes away or its rights end.
func connected[T any](s *server, w http.ResponseWriter, r *http.Request, hub *hub[T], present func(context.Context) (any, error),
	talk func(allowed context.Context, connection *websocket.Conn, watcher *watcher[T], begin any)) {
	if !websocket.IsWebSocketUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		writeProblem(w, newProblem(kind("upgrade-required", http.StatusUpgradeRequired), "connect with a WebSocket client"))
		return
	}
	upgrader := websocket.Upgrader{
		HandshakeTimeout: writeWait, CheckOrigin: sameHost,
		Error: func(w http.ResponseWriter, _ *http.Request, status int, err error) {
			writeProblem(w, newProblem(kind("websocket-refused", status), err.Error()))
		},
	}
	// Entering before the state is read means that no change falls in between.
	watcher := hub.enter()
	if watcher == nil {
		writeProblem(w, newProblem(kindUnavailable, "the server is stopping"))
		return
	}
	defer hub.leave(watcher)
	begin, err := present(r.Context())
	if err != nil {
		s.refuse(w, r, fmt.Errorf("read the state for a live connection at %s: %w", r.URL.Path, err))
		return
	}
	connection, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	defer connection.Close()
	go listen(connection, watcher)
	allowed, stop := s.whileAllowed(r.Context())
	defer stop()
	talk(allowed, connection, watcher, begin)
}

// listen reads until the client goes away: that is how closing and pongs are
// noticed. What is no text is refused; nothing else is asked of a message.
func listen[T any](connection *websocket.Conn, watcher *watcher[T]) {
	defer watcher.cutOff()
	connection.SetReadLimit(maxIncoming)
	alive := func(string) error { return connection.SetReadDeadline(time.Now().Add(pongWait)) }
	_ = alive("")
	connection.SetPongHandler(alive)
	for {
		kind, message, err := connection.ReadMessage()
		if err != nil {
			return
		}
		if kind == websocket.TextMessage && text.Check(string(message)) != nil {
			refusal := websocket.FormatCloseMessage(websocket.CloseInvalidFramePayloadData, "a message must be UTF-8 without NUL")
			_ = connection.WriteControl(websocket.CloseMessage, refusal, time.Now().Add(time.Second))
			return
		}
	}
}

// tell writes the present state, then changes, until the watcher is cut off or may listen
// no longer.
func tell[T any](allowed context.Context, connection *websocket.Conn, watcher *watcher[T], begin any, message func(T) any) {
	if writeEvent(connection, begin) != nil {
		return
	}
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case <-allowed.Done():
			goodbye(connection, websocket.ClosePolicyViolation, errRightsEnded.Error())
			return
		case <-watcher.gone:
			goodbye(connection, websocket.CloseGoingAway, "")
			return
		case <-ping.C:
			if connection.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWait)) != nil {
				return
			}
		case <-watcher.wake:
			for _, change := range watcher.take() {
				if allowed.Err() != nil {
					break
				}
				if told := message(change); told != nil && writeEvent(connection, told) != nil {
					return
				}
			}
			pause(watcher.gone, tellInterval)
		}
	}
}

// goodbye ends a connection and says why.
func goodbye(connection *websocket.Conn, code int, why string) {
	_ = connection.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, why), time.Now().Add(time.Second))
}

// pause lets changes gather, so that what is fast does not flood its watchers.
func pause(gone <-chan struct{}, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-gone:
	case <-timer.C:
	}
}

func writeEvent(connection *websocket.Conn, event any) error {
	if err := connection.SetWriteDeadline(time.Now().Add(writeWait)); err != nil {
		return err
	}
	return connection.WriteJSON(event)
}

// sameHost lets only pages of this very server connect, over TLS only those that came over
// it. Clients that are not browsers send no Origin.
func sameHost(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	from, err := url.Parse(origins[0])
	return err == nil && len(origins) == 1 && strings.EqualFold(from.Host, r.Host) && (r.TLS == nil || from.Scheme == "https")
}
