package fetch

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func newTestHosts(t *testing.T, change func(*Options)) *hosts {
	t.Helper()
	options := Options{HostRate: 1e6}
	if change != nil {
		change(&options)
	}
	h, err := newHosts(options.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// ask enters and leaves with an outcome.
func ask(ctx context.Context, h *hosts, name string, outcome error) error {
	leave, err := h.enter(ctx, name)
	if err == nil {
		leave(outcome)
	}
	return err
}

// TestDeadHost: a host that fails rests, longer each time, one request tries whether it
// is back, and all others fail at once and say why.
func TestDeadHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHosts(t, nil)
		dead := func() error { return fail(Unreachable, "connection refused").passing() }
		for range 5 {
			if err := ask(t.Context(), h, "dead.example", dead()); err != nil {
				t.Fatal(err)
			}
		}
		for _, rest := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 10 * time.Minute, 10 * time.Minute} {
			began := time.Now()
			for range 1000 {
				err := ask(t.Context(), h, "dead.example", nil)
				e, ok := err.(*Error)
				if !ok || e.Reason != Resting || !e.MayPass || e.After != rest || !strings.Contains(e.words, "connection refused") || !strings.Contains(e.words, "dead.example") {
					t.Fatalf("while it rests for %v: %v", rest, err)
				}
			}
			if time.Since(began) != 0 {
				t.Errorf("they waited for %v", time.Since(began))
			}
			time.Sleep(rest)
			leave, err := h.enter(t.Context(), "dead.example")
			if err != nil {
				t.Fatalf("after %v it is not tried: %v", rest, err)
			}
			if err := ask(t.Context(), h, "dead.example", nil); err == nil {
				t.Fatal("two requests try at the same time")
			}
			leave(dead())
		}
		if err := ask(t.Context(), h, "other.example", nil); err != nil {
			t.Errorf("another host: %v", err)
		}
		time.Sleep(10 * time.Minute)
		if err := ask(t.Context(), h, "dead.example", interrupted(context.Canceled)); err != nil {
			t.Fatal(err) // says nothing about the host: the next one tries
		}
		if err := ask(t.Context(), h, "dead.example", fail(NotFound, "404")); err != nil {
			t.Fatal(err) // it answers
		}
		for range 4 {
			if err := ask(t.Context(), h, "dead.example", dead()); err != nil {
				t.Errorf("it is back, and fails less than five times: %v", err)
			}
		}
	})
}

// TestPatience: what a host asks for holds for all, and is waited for if it is short.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHosts(t, nil)
		asks := func(after time.Duration) error {
			e := fail(Failed, "429")
			e.MayPass, e.After = true, after
			return e
		}
		for _, after := range []time.Duration{0, time.Second, time.Minute} {
			_ = ask(t.Context(), h, "a.example", asks(after))
			began := time.Now()
			if err := ask(t.Context(), h, "a.example", nil); err != nil || time.Since(began) != after {
				t.Errorf("asked for %v: waited for %v, %v", after, time.Since(began), err)
			}
		}
		_ = ask(t.Context(), h, "a.example", asks(time.Hour))
		err := ask(t.Context(), h, "a.example", nil)
		if e, ok := err.(*Error); !ok || e.Reason != Resting || e.After != 10*time.Minute {
			t.Errorf("asked for an hour: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_ = ask(t.Context(), h, "b.example", asks(time.Minute))
		err = ask(ctx, h, "b.example", nil)
		if e, ok := err.(*Error); !ok || e.Reason != Interrupted {
			t.Errorf("longer than the caller waits: %v", err)
		}
	})
}

// TestRates: so many a second to each host, and a slow host keeps nobody from another.
func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHosts(t, func(o *Options) { o.HostRate, o.HostConcurrent, o.Concurrent = 10, 2, 3 })
		began := time.Now()
		for range 110 {
			if err := ask(t.Context(), h, "a.example", nil); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began).Round(time.Millisecond); took != 10*time.Second {
			t.Errorf("110 requests took %v", took)
		}
		var group sync.WaitGroup
		for range 10 { // of which two are at work, and eight wait in line
			group.Go(func() {
				leave, err := h.enter(t.Context(), "slow.example")
				if err != nil {
					t.Error(err)
					return
				}
				time.Sleep(time.Hour)
				leave(nil)
			})
		}
		synctest.Wait()
		began = time.Now()
		if err := ask(t.Context(), h, "b.example", nil); err != nil || time.Since(began) != 0 {
			t.Errorf("another host waits for %v, %v", time.Since(began), err)
		}
		group.Wait()
		if took := time.Since(began); took != 5*time.Hour {
			t.Errorf("ten, two at once, took %v", took)
		}
	})
}

// TestConcurrent: no more at once than said, of one host and of all.
func TestConcurrent(t *testing.T) {
	h := newTestHosts(t, func(o *Options) { o.HostConcurrent, o.Concurrent = 2, 5 })
	var all atomic.Int64
	var each [4]atomic.Int64
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			leave, err := h.enter(t.Context(), fmt.Sprint(i%4))
			if err != nil {
				t.Error(err)
				return
			}
			if n, m := all.Add(1), each[i%4].Add(1); n > 5 || m > 2 {
				t.Errorf("%d at once, %d of one host", n, m)
			}
			time.Sleep(time.Millisecond)
			all.Add(-1)
			each[i%4].Add(-1)
			leave(nil)
		})
	}
	group.Wait()
}

// TestManyHosts: what is remembered has a bound.
func TestManyHosts(t *testing.T) {
	h := newTestHosts(t, nil)
	for i := range 2 * maxHosts {
		h.of(fmt.Sprint(i))
	}
	if n := h.known.Len(); n != maxHosts {
		t.Errorf("%d hosts are remembered", n)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, " 120 ": 2 * time.Minute, "-5": 0, "1.5": 0, "soon": 0, "5s": 0, "0x10": 0,
		"99999999999": farOff, "9223372036854775807": farOff, "99999999999999999999999": farOff,
		"Wed, 01 Jul 2026 12:00:30 GMT":     30 * time.Second,
		"Wednesday, 01-Jul-26 12:01:00 GMT": time.Minute,
		"Wed Jul  1 12:02:00 2026":          2 * time.Minute,
		"Wed, 01 Jul 2026 11:00:00 GMT":     0,
		"Wed, 01 Jul 2099 12:00:00 GMT":     farOff,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

func TestBackOff(t *testing.T) {
	options := Options{}.withDefaults()
	for attempt, most := range map[int]time.Duration{1: time.Second / 2, 2: time.Second, 3: 2 * time.Second, 7: maxBackOff, 1000: maxBackOff} {
		seen := map[time.Duration]bool{}
		for range 100 {
			wait := options.backOff(attempt)
			if wait < most/2 || wait > most {
				t.Errorf("attempt %d: %v", attempt, wait)
			}
			seen[wait] = true
		}
		if len(seen) < 50 {
			t.Errorf("attempt %d: only %d different times", attempt, len(seen))
		}
	}
}

// TestAttempts: what may pass is tried again, nothing else.
func TestAttempts(t *testing.T) {
	var requests, status atomic.Int64
	w := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := requests.Add(1); n < 4 || r.URL.Path == "/never" {
			if r.URL.Path == "/late" {
				w.Header().Set("Retry-After", "3600")
			}
			if r.URL.Path == "/cut" {
				w.Header().Set("Content-Length", "100")
				return
			}
			w.WriteHeader(int(status.Load()))
			return
		}
		_, _ = w.Write([]byte("at last"))
	}), func(o *Options) { o.RestAfter = 100 })
	for _, test := range []struct {
		path             string
		status, requests int64
		reason           Reason
		mayPass          bool
		after            time.Duration
	}{
		{"/", 503, 4, "", false, 0},
		{"/", 502, 4, "", false, 0},
		{"/", 504, 4, "", false, 0},
		{"/", 429, 4, "", false, 0},
		{"/cut", 200, 4, "", false, 0},
		{"/never", 503, 4, Failed, true, 0},
		{"/", 500, 1, Failed, true, 0},
		{"/", 408, 1, Failed, true, 0},
		{"/", 501, 1, Failed, false, 0},
		{"/", 404, 1, NotFound, false, 0},
		{"/", 403, 1, Refused, false, 0},
		{"/", 400, 1, Failed, false, 0},
		{"/late", 503, 1, Failed, true, time.Hour}, // the last: the host wants nothing until then
	} {
		requests.Store(0)
		status.Store(test.status)
		content, err := w.get(t, w.server.URL+test.path)
		if requests.Load() != test.requests {
			t.Errorf("%s %d: %d requests, want %d", test.path, test.status, requests.Load(), test.requests)
		}
		if test.reason == "" {
			if content != "at last" || err != nil {
				t.Errorf("%s %d: %q, %v", test.path, test.status, content, err)
			}
			continue
		}
		e := wantError(t, test.path, err, test.reason)
		if e.MayPass != test.mayPass || e.After != test.after || e.Status != int(test.status) {
			t.Errorf("%s %d: %+v", test.path, test.status, e)
		}
	}
	_, err := w.get(t, w.server.URL)
	if e := wantError(t, "another picture of the host", err, Resting); !e.MayPass || e.After <= 0 {
		t.Errorf("%+v", e)
	}
}

// TestManyURLsOfDeadHost: nobody waits long for a host that is not there.
func TestManyURLsOfDeadHost(t *testing.T) {
	listener := listen(t, "127.0.0.1:0")
	address := listener.Addr().String()
	listener.Close()
	w := open(t, http.NotFoundHandler(), func(o *Options) {
		o.Ports = append(o.Ports, portNumber(t, address[strings.LastIndexByte(address, ':')+1:]))
	})
	reasons := map[Reason]int{}
	for i := range 2000 {
		_, err := w.get(t, fmt.Sprintf("http://%s/%d.png", address, i))
		e := err.(*Error)
		if reasons[e.Reason]++; !e.MayPass || !strings.Contains(e.Error(), "refused") {
			t.Fatalf("%d: %v", i, err)
		}
	}
	if reasons[Unreachable] > 5 || reasons[Resting] < 1995 {
		t.Errorf("got %v", reasons)
	}
}
