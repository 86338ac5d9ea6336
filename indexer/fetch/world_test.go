package fetch

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sync/semaphore"
)

// budget is larger than any test needs, and is looked at in the end.
const budget = 1 << 30

// world is a fetcher, the server that it may reach, and what connections it made.
type world struct {
	*Fetcher
	server *httptest.Server
	port   string
	memory *semaphore.Weighted

	mu      sync.Mutex
	reached []string
}

// open gives a world whose server listens on 127.0.0.1, which counts as public here.
// All of 127.0.0.0/8 but that address stands for the network within.
func open(t testing.TB, handler http.Handler, change func(*Options)) *world {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return openAt(t, server, change)
}

func openAt(t testing.TB, server *httptest.Server, change func(*Options)) *world {
	t.Helper()
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{server: server, port: address.Port(), memory: semaphore.NewWeighted(budget)}
	options := Options{
		MaxBytes: 1 << 20, Memory: w.memory, Allow: []string{"127.0.0.1"}, Ports: []uint16{80, 443, portNumber(t, address.Port())},
		FirstWait: time.Millisecond, HostRate: 1e6, Connect: 30 * time.Second,
	}
	if change != nil {
		change(&options)
	}
	if w.Fetcher, err = New(options); err != nil {
		t.Fatal(err)
	}
	w.record()
	t.Cleanup(func() {
		w.Close()
		if !w.memory.TryAcquire(budget) {
			t.Error("memory was not given back to the budget")
		}
	})
	return w
}

// record notes every address that a connection was made to.
func (w *world) record() {
	dial := w.transport.DialContext
	w.transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err == nil {
			w.mu.Lock()
			w.reached = append(w.reached, conn.RemoteAddr().String())
			w.mu.Unlock()
		}
		return conn, err
	}
}

func (w *world) connections() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.reached...)
}

// get fetches, releases and gives the text of the data.
func (w *world) get(t testing.TB, address string) (string, error) {
	t.Helper()
	result, err := w.Get(t.Context(), address, Validators{})
	defer result.Release()
	return string(result.Data), err
}

// wantError fails unless an error is an *Error with a reason, and gives it.
func wantError(t testing.TB, name string, err error, reason Reason) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Errorf("%s: got %v, want an Error for %s", name, err, reason)
		return &Error{}
	}
	if e.Reason != reason || e.URL == "" || !strings.HasPrefix(err.Error(), e.URL+": ") {
		t.Errorf("%s: got %s (%v), want %s", name, e.Reason, err, reason)
	}
	return e
}

// names is a name server in this process. Each name has answers that it gives in turn,
// one list of addresses to each question.
type names struct {
	answers map[string][][]string
	asked   sync.Map // name -> *atomic.Int64
}

func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go n.serve(there)
		return here, nil
	}}
}

// serve answers questions as they come by TCP.
func (n *names) serve(conn net.Conn) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, question); err != nil {
			return
		}
		answer, err := n.answer(question)
		if err != nil {
			return
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

func (n *names) answer(question []byte) ([]byte, error) {
	var message dnsmessage.Message
	if err := message.Unpack(question); err != nil {
		return nil, err
	}
	asked := message.Questions[0]
	message.Header = dnsmessage.Header{ID: message.ID, Response: true, RecursionAvailable: true}
	message.Additionals = nil
	name := strings.TrimSuffix(asked.Name.String(), ".")
	turns, ok := n.answers[name]
	if !ok {
		message.RCode = dnsmessage.RCodeNameError
		return message.Pack()
	}
	for _, address := range turns[n.turn(name, asked.Type, len(turns))] {
		message.Answers = append(message.Answers, record(asked, netip.MustParseAddr(address))...)
	}
	return message.Pack()
}

func (n *names) turn(name string, kind dnsmessage.Type, turns int) int {
	counter, _ := n.asked.LoadOrStore(name+kind.String(), new(atomic.Int64))
	return int(min(counter.(*atomic.Int64).Add(1)-1, int64(turns-1)))
}

func record(asked dnsmessage.Question, address netip.Addr) []dnsmessage.Resource {
	header := dnsmessage.ResourceHeader{Name: asked.Name, Class: dnsmessage.ClassINET, TTL: math.MaxInt32}
	switch {
	case asked.Type == dnsmessage.TypeA && address.Is4():
		return []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AResource{A: address.As4()}}}
	case asked.Type == dnsmessage.TypeAAAA && address.Is6():
		return []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AAAAResource{AAAA: address.As16()}}}
	}
	return nil
}

func listen(t testing.TB, address string) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func portNumber(t testing.TB, text string) uint16 {
	t.Helper()
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(number)
}

// wantReason is wantError where nothing else is asked of the error.
func wantReason(t testing.TB, name string, err error, reason Reason) {
	t.Helper()
	_ = wantError(t, name, err, reason)
}
