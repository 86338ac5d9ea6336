package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// Limits of a live connection.
const (
	writeWait    = 10 * time.Second // for one message to leave
	pongWait     = 60 * time.Second // without a sign of life the connection is closed
	pingEvery    = 25 * time.Second
	maxIncoming  = 512                    // bytes; clients have nothing to say
	tellInterval = 200 * time.Millisecond // at most five messages a second for each task
)

// watchTasks upgrades to a WebSocket and tells how the tasks go.
func (s *server) watchTasks(w http.ResponseWriter, r *http.Request) {
	if !websocket.IsWebSocketUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		writeProblem(w, newProblem(kind{"upgrade-required", http.StatusUpgradeRequired}, "connect with a WebSocket client"))
		return
	}
	upgrader := websocket.Upgrader{
		HandshakeTimeout: writeWait, CheckOrigin: sameHost,
		Error: func(w http.ResponseWriter, _ *http.Request, status int, err error) {
			writeProblem(w, newProblem(kind{"websocket-refused", status}, err.Error()))
		},
	}
	// Joining before the list is read means that no change falls in between.
	watcher := s.hub.join()
	if watcher == nil {
		writeProblem(w, newProblem(kindUnavailable, "the server is stopping"))
		return
	}
	defer s.hub.leave(watcher)
	tasks, err := s.Tasks.Tasks(r.Context())
	if err != nil {
		s.Logger.ErrorContext(r.Context(), "list tasks for a live connection", "error", err)
		writeProblem(w, newProblem(kindInternal, "the tasks cannot be listed"))
		return
	}
	connection, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	defer connection.Close()
	go listen(connection, watcher)
	tell(connection, watcher, completeAll(tasks))
}

// listen reads until the client goes away: that is how closing and pongs are
// noticed.
func listen(connection *websocket.Conn, watcher *watcher) {
	defer watcher.cutOff()
	connection.SetReadLimit(maxIncoming)
	alive := func(string) error { return connection.SetReadDeadline(time.Now().Add(pongWait)) }
	_ = alive("")
	connection.SetPongHandler(alive)
	for {
		if _, _, err := connection.NextReader(); err != nil {
			return
		}
	}
}

// tell writes the present state, then changes, until the watcher is cut off.
func tell(connection *websocket.Conn, watcher *watcher, tasks []Task) {
	if writeEvent(connection, map[string][]Task{"tasks": tasks}) != nil {
		return
	}
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case <-watcher.gone:
			goodbye := websocket.FormatCloseMessage(websocket.CloseGoingAway, "")
			_ = connection.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(time.Second))
			return
		case <-ping.C:
			if connection.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWait)) != nil {
				return
			}
		case <-watcher.wake:
			for _, task := range watcher.take() {
				if writeEvent(connection, map[string]Task{"task": complete(task)}) != nil {
					return
				}
			}
			pause(watcher, tellInterval)
		}
	}
}

// pause lets changes gather, so that a fast task does not flood its watchers.
func pause(watcher *watcher, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-watcher.gone:
	case <-timer.C:
	}
}

func writeEvent(connection *websocket.Conn, event any) error {
	if err := connection.SetWriteDeadline(time.Now().Add(writeWait)); err != nil {
		return err
	}
	return connection.WriteJSON(event)
}

// sameHost lets only pages of this very server connect. Clients that are not
// browsers send no Origin.
func sameHost(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	from, err := url.Parse(origin)
	return err == nil && strings.EqualFold(from.Host, r.Host)
}
