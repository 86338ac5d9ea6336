package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/web"
	"polylens/web/webtest"
)

// lanes is a push whose items are done out of order, as lanes are.
type lanes struct {
	web.Jobs
	web.Pushes

	mu     sync.Mutex
	state  catalog.JobState
	done   map[int64]bool
	broken error // what reading items gives
}

const lanesID = "lanes"

type lanesJobs struct{ *lanes }

func (l lanesJobs) Get(ctx context.Context, id string) (catalog.Job, error) {
	if id != lanesID {
		return l.Jobs.Get(ctx, id)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return catalog.Job{ID: id, Kind: indexer.JobPush, Collection: "demo", State: l.state, Params: json.RawMessage(`{}`), Progress: json.RawMessage(`{}`)}, nil
}

type lanesPushes struct{ *lanes }

func (l lanesPushes) Receive(ctx context.Context, collection string, body io.Reader) (catalog.Job, error) {
	return l.Pushes.Receive(ctx, collection, body)
}
func (l lanesPushes) ReceiveArchive(ctx context.Context, collection string, body io.Reader) (catalog.Job, error) {
	return l.Pushes.ReceiveArchive(ctx, collection, body)
}
func (l lanesPushes) Items(ctx context.Context, id string, filter catalog.ItemFilter) ([]catalog.ItemResult, error) {
	if id != lanesID {
		return l.Pushes.Items(ctx, id, filter)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return nil, l.broken
	}
	var items []catalog.ItemResult
	for number := range l.done {
		if number > filter.After {
			items = append(items, catalog.ItemResult{Number: number, ID: fmt.Sprint("id", number), Operation: catalog.OperationUpsert, Outcome: catalog.OutcomeCreated})
		}
	}
	slices.SortFunc(items, func(a, b catalog.ItemResult) int { return int(a.Number - b.Number) })
	return items[:min(len(items), filter.Limit)], nil
}

func (l *lanes) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

func newLanes(t *testing.T) (*lanes, *webtest.Server) {
	t.Helper()
	l := &lanes{state: catalog.JobRunning, done: make(map[int64]bool)}
	return l, webtest.NewServer(t, func(c *web.Config) {
		l.Jobs, l.Pushes = c.Jobs, c.Pushes
		c.Jobs, c.Pushes = lanesJobs{l}, lanesPushes{l}
	})
}

// itemEvent is a message of a connection that gets items.
type itemEvent struct {
	Job   *web.Job   `json:"job"`
	Items []web.Item `json:"items"`
}

// watchItems connects to the items of a job.
func watchItems(t *testing.T, server *webtest.Server, query string) (*websocket.Conn, *http.Response) {
	t.Helper()
	connection, response, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http")+"/api/v1/jobs/events?"+query, nil)
	if err != nil {
		return nil, response
	}
	if err := connection.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return connection, response
}

// readItems reads until the end of the job, or of the connection, or until enough says so.
func readItems(t *testing.T, connection *websocket.Conn, enough func([]web.Item) bool) (items []web.Item, end *web.Job) {
	t.Helper()
	defer connection.Close()
	begun := false
	for {
		var e itemEvent
		if err := connection.ReadJSON(&e); err != nil {
			return items, nil
		}
		switch {
		case !begun:
			if e.Job == nil {
				t.Fatalf("begins with %+v", e)
			}
			begun = true
		case e.Job != nil:
			if _, _, err := connection.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
				t.Errorf("after the end comes %v", err)
			}
			return items, e.Job
		default:
			if items = append(items, e.Items...); enough(items) {
				return items, nil
			}
		}
	}
}

// TestItemsOverReconnects: however often a client comes back, with the number of its last
// item, it has in the end what the list of items has: all of them, once and in order.
func TestItemsOverReconnects(t *testing.T) {
	const all = 3000
	l, server := newLanes(t)
	random := rand.New(rand.NewPCG(19, 2))
	var working sync.WaitGroup
	for lane := range 4 {
		chunk := make([]time.Duration, all/4/50+1)
		for i := range chunk {
			chunk[i] = time.Duration(random.IntN(30)) * time.Millisecond
		}
		working.Go(func() {
			for n := int64(lane) + 1; n <= all; n += 4 {
				if n/4%50 == 0 {
					time.Sleep(chunk[n/4/50%int64(len(chunk))])
				}
				l.set(func() { l.done[n] = true })
			}
		})
	}
	go func() {
		working.Wait()
		l.set(func() { l.state = catalog.JobSucceeded })
	}()
	var got []web.Item
	connections := 0
	for after := int64(0); ; connections++ {
		connection, response := watchItems(t, server, fmt.Sprintf("items=%s&after=%d", lanesID, after))
		if connection == nil {
			t.Fatal(response.Status)
		}
		most := 1 + random.IntN(400)
		items, end := readItems(t, connection, func(items []web.Item) bool { return len(items) >= most })
		if len(items) > 0 {
			after = items[len(items)-1].Number
		}
		got = append(got, items...)
		if end == nil {
			continue
		}
		if end.State != catalog.JobSucceeded {
			t.Errorf("it ends as %s", end.State)
		}
		break
	}
	list := send(t, http.MethodGet, server.URL+"/api/v1/jobs/"+lanesID+"/items", "")
	var lines strings.Builder
	for _, item := range got {
		if err := json.NewEncoder(&lines).Encode(item); err != nil {
			t.Fatal(err)
		}
	}
	if lines.String() != string(list.body) || len(got) != all {
		t.Errorf("%d items came over %d connections, and they are not those of the list", len(got), connections+1)
	}
	if connections < 3 {
		t.Errorf("the client came back %d times only", connections)
	}
}

// TestItemsWaitForThoseBefore: nothing is sent ahead of a gap, and all that is there at the
// end of the job.
func TestItemsWaitForThoseBefore(t *testing.T) {
	l, server := newLanes(t)
	l.done[1], l.done[3] = true, true
	connection, _ := watchItems(t, server, "items="+lanesID)
	var numbers []int64
	seen := func(items []web.Item) bool {
		numbers = nil
		for _, item := range items {
			numbers = append(numbers, item.Number)
		}
		switch len(numbers) {
		case 1:
			l.set(func() { l.done[2], l.done[7] = true, true })
		case 3:
			l.set(func() { l.state = catalog.JobCanceled })
		}
		return false
	}
	_, end := readItems(t, connection, seen)
	if !slices.Equal(numbers, []int64{1, 2, 3, 7}) || end == nil || end.State != catalog.JobCanceled {
		t.Errorf("came %v, then %+v", numbers, end)
	}
}

// TestItemsRefused: what is asked wrongly is a problem, and a catalogue that fails ends the
// connection for the client to come back.
func TestItemsRefused(t *testing.T) {
	l, server := newLanes(t)
	folder, err := server.Jobs.Index(t.Context(), "c", indexer.JobParams{Directory: "/"})
	if err != nil {
		t.Fatal(err)
	}
	for query, status := range map[string]int{
		"items=": 422, "items=" + lanesID + "&after=-1": 422, "items=" + lanesID + "&after=x": 422, "items=unknown": 404,
		"items=" + folder.ID: 409, "items=" + strings.Repeat("x", 65): 422,
	} {
		connection, response := watchItems(t, server, query)
		if connection != nil || response.StatusCode != status || response.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %v, want %d", query, response, status)
		}
	}
	connection, _ := watchItems(t, server, "items="+lanesID)
	defer connection.Close()
	var begin itemEvent
	if err := connection.ReadJSON(&begin); err != nil {
		t.Fatal(err)
	}
	l.set(func() { l.broken = errors.New("the database is away") })
	if _, _, err := connection.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseTryAgainLater) {
		t.Errorf("got %v", err)
	}
}

// TestItemsNeedTheirScope: who may not list the items of a job does not get them in this way
// either, nor those of a collection that its key is not for; and they end with the key.
func TestItemsNeedTheirScope(t *testing.T) {
	l := &lanes{state: catalog.JobRunning, done: map[int64]bool{1: true}}
	k := newKeyring(t, func(c *web.Config) {
		l.Jobs, l.Pushes = c.Jobs, c.Pushes
		c.Jobs, c.Pushes = lanesJobs{l}, lanesPushes{l}
	})
	key := k.make(t, only("demo"), catalog.ScopeIndex)
	for name, test := range map[string]struct {
		key    string
		status int
	}{
		"scope train":        {k.make(t, nil, catalog.ScopeTrain), http.StatusForbidden},
		"another collection": {k.make(t, only("other"), catalog.ScopeIndex), http.StatusNotFound},
		"scope index":        {key, http.StatusSwitchingProtocols},
	} {
		address := "ws" + strings.TrimPrefix(k.URL, "http") + "/api/v1/jobs/events?items=" + lanesID
		connection, response, err := websocket.DefaultDialer.DialContext(t.Context(), address, http.Header{"Authorization": {"Bearer " + test.key}})
		if response == nil || response.StatusCode != test.status {
			t.Fatalf("%s: %+v, %v; want %d", name, response, err, test.status)
		}
		if err != nil {
			continue
		}
		defer connection.Close()
		if err := connection.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		k.revoke(t, test.key)
		for err == nil {
			_, _, err = connection.ReadMessage()
		}
		if !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
			t.Errorf("after the key is revoked: %v", err)
		}
	}
}
