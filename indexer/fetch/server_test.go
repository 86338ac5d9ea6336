package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const png = "\x89PNG\r\n\x1a\n"

// raw is a server that sends bytes as they are, and then waits until it is closed if it
// is told to.
func raw(t *testing.T, answer string, wait bool) string {
	t.Helper()
	listener := listen(t, "127.0.0.1:0")
	done := make(chan struct{})
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { answerRaw(conn, answer, wait, done) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		close(done)
		serving.Wait()
	})
	return listener.Addr().String()
}

func answerRaw(conn net.Conn, answer string, wait bool, done chan struct{}) {
	defer conn.Close()
	if _, err := conn.Read(make([]byte, 4096)); err != nil {
		return
	}
	if _, err := io.WriteString(conn, answer); err == nil && wait {
		<-done
	}
}

// TestHostileAnswers: what a server may send in place of a picture.
func TestHostileAnswers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nConnection: close\r\n"
	for _, test := range []struct {
		name, answer string
		wait         bool
		reason       Reason
		says         string
	}{
		{"nothing", "", false, Unreachable, "breaks off"},
		{"never a header", "", true, TooSlow, "in time"},
		{"half a header", "HTTP/1.1 200 OK\r\nContent-", true, TooSlow, "in time"},
		{"another protocol", "SSH-2.0-OpenSSH_9.9\r\n", false, Unreachable, "HTTP"},
		{"endless header", ok + "A: " + strings.Repeat("a", 1<<20), true, Unreachable, "HTTP"},
		{"many headers", ok + strings.Repeat("A: a\r\n", 1<<17), true, Unreachable, "HTTP"},
		{"no bytes", ok + "Content-Length: 0\r\n\r\n", false, NotPicture, "no bytes"},
		{"no bytes, to the end", ok + "\r\n", false, NotPicture, "no bytes"},
		{"never a body", ok + "Content-Length: 9\r\n\r\n", true, TooSlow, "slowly"},
		{"a body that stops", ok + "Content-Length: 9000\r\n\r\n" + png + strings.Repeat("a", 1000), true, TooSlow, "slowly"},
		{"fewer bytes than said", ok + "Content-Length: 9000\r\n\r\n" + png, false, Unreachable, "breaks off"},
		{"fewer bytes than said, more than a head", ok + "Content-Length: 9000\r\n\r\n" + png + strings.Repeat("a", 1000), false, Unreachable, "breaks off"},
		{"chunks that break off", ok + "Transfer-Encoding: chunked\r\n\r\n400\r\n" + strings.Repeat("a", 1024) + "\r\n", false, Unreachable, "breaks off"},
		{"a chunk that breaks off", ok + "Transfer-Encoding: chunked\r\n\r\n400\r\naaa", false, Unreachable, "breaks off"},
		{"a bad chunk", ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\naaa", false, Unreachable, ""},
		{"a negative length", ok + "Content-Length: -1\r\n\r\naaa", false, Unreachable, ""},
		{"two lengths", ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\naaa", false, Unreachable, ""},
		{"a length too large", ok + "Content-Length: 1048577\r\n\r\n", true, TooLarge, "1048576 bytes"},
		{"a length beyond any", ok + "Content-Length: 9223372036854775807\r\n\r\n", true, TooLarge, "1048576 bytes"},
		{"more without a length", ok + "\r\n" + png + strings.Repeat("a", 1<<20), false, TooLarge, "1048576 bytes"},
		{"gzip", ok + "Content-Encoding: gzip\r\n\r\nabc", false, NotPicture, "gzip"},
		{"gzip, the second of two", ok + "Content-Encoding: identity\r\nContent-Encoding: br\r\n\r\nabc", false, NotPicture, "br"},
		{"a page", ok + "Content-Type: text/html; charset=utf-8\r\n\r\n  <!DOCTYPE html><p>Sign in", false, NotPicture, "text/html came in place"},
		{"a page as a picture", ok + "Content-Type: image/png\r\n\r\n<html><p>Sign in", false, NotPicture, "text/html"},
		{"a page of no kind", ok + "\r\n<HTML><p>Sign in", false, NotPicture, "text/html"},
		{"an error as JSON", ok + "Content-Type: application/problem+json\r\n\r\n{}", false, NotPicture, "application/problem+json"},
		{"a film", ok + "Content-Type: video/mp4\r\n\r\nabc", false, NotPicture, "video/mp4"},
		{"not found", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", false, NotFound, "404 Not Found"},
		{"not found, with an endless page", "HTTP/1.1 404 Not Found\r\n\r\n", true, NotFound, "404"},
		{"gone", "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", false, NotFound, "410"},
		{"sign in", "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n", false, Refused, "401"},
		{"forbidden", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", false, Refused, "403"},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", false, Failed, "204"},
		{"a part", "HTTP/1.1 206 Partial Content\r\nContent-Length: 1\r\n\r\na", false, Failed, "206"},
		{"not modified, unasked", "HTTP/1.1 304 Not Modified\r\n\r\n", false, Failed, "304"},
		{"use a proxy", "HTTP/1.1 305 Use Proxy\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n", false, Failed, "305"},
		{"moved nowhere", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", false, Failed, "302"},
		{"moved to no URL", "HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n", false, Redirected, "not a URL"},
		{"moved to a long URL", "HTTP/1.1 302 Found\r\nLocation: /" + strings.Repeat("a", maxURL) + "\r\nContent-Length: 0\r\n\r\n", false, Redirected, "the limit is 8192"},
		{"moved to itself", "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false, Redirected, "more than 5 times"},
		{"another status", "HTTP/1.1 999 Denied\r\nContent-Length: 0\r\n\r\n", false, Failed, "999"},
		{"an upgrade", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", false, Failed, "101"},
		{"early hints without end", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 1<<15), true, Unreachable, ""},
	} {
		address := raw(t, test.answer, test.wait)
		w := open(t, http.NotFoundHandler(), func(o *Options) {
			_, port, _ := net.SplitHostPort(address)
			o.Ports, o.Attempts = append(o.Ports, portNumber(t, port)), 1
			o.Headers, o.RateSpan = 300*time.Millisecond, 300*time.Millisecond
		})
		content, err := w.get(t, "http://"+address+"/a.png")
		e := wantError(t, test.name, err, test.reason)
		if content != "" || !strings.Contains(e.Error(), test.says) || strings.Contains(e.Error(), "\n") {
			t.Errorf("%s: got %q, %v, want words of %q", test.name, content, err, test.says)
		}
	}
}

// TestPictures: what servers send that is taken.
func TestPictures(t *testing.T) {
	large := png + strings.Repeat("a", 300<<10)
	w := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, want := range map[string]string{"User-Agent": "Polylens/1.2.3", "Accept-Encoding": "identity", "Cookie": "", "Referer": "", "Authorization": ""} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: header %s is %q, want %q", r.URL, name, got, want)
			}
		}
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "a"})
		switch r.URL.Path {
		case "/plain":
			_, _ = io.WriteString(w, "P2 1 1 1 0")
		case "/untold": // its length is not known
			for rest := large; rest != ""; rest = rest[min(len(rest), 50000):] {
				_, _ = io.WriteString(w, rest[:min(len(rest), 50000)])
				w.(http.Flusher).Flush()
			}
		case "/html": // a script that forgets to say what it sends
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, png)
		case "/exact":
			w.(http.Flusher).Flush()
			_, _ = w.Write(make([]byte, 1<<20))
		case "/far":
			http.Redirect(w, r, "nearer?a=b#part", http.StatusMovedPermanently)
		case "/nearer":
			http.Redirect(w, r, "//"+r.Host+"/plain", http.StatusTemporaryRedirect)
		case "/two words":
			_, _ = io.WriteString(w, r.URL.RawQuery)
		default:
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(large))
		}
	}), func(o *Options) { o.Version = "1.2.3" })
	for path, want := range map[string]string{
		"/plain": "P2 1 1 1 0", "/large": large, "/html": png, "/far": "P2 1 1 1 0", "/exact": string(make([]byte, 1<<20)),
		"/untold": large, "/two words?q=%C3%A9": "q=%C3%A9", "/plain#part": "P2 1 1 1 0",
	} {
		if got, err := w.get(t, w.server.URL+path); got != want || err != nil {
			t.Errorf("%s: got %d bytes, %v, want %d", path, len(got), err, len(want))
		}
	}
}

// TestBombIsNotUnpacked: what a server sends encoded is not decoded in secret either.
func TestBombIsNotUnpacked(t *testing.T) {
	var bomb bytes.Buffer
	packer, _ := gzip.NewWriterLevel(&bomb, gzip.BestSpeed)
	_, _ = packer.Write(make([]byte, 8<<20))
	_ = packer.Close()
	w := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/told" {
			w.Header().Set("Content-Encoding", "gzip")
		}
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(bomb.Bytes())
	}), nil)
	_, err := w.get(t, w.server.URL+"/told")
	wantReason(t, "told", err, NotPicture)
	if got, err := w.get(t, w.server.URL+"/untold"); got != bomb.String() || err != nil {
		t.Errorf("untold: got %d bytes, %v: they are for the decoder to refuse", len(got), err)
	}
}

// TestEndlessBody: a body without end costs no more than the limit.
func TestEndlessBody(t *testing.T) {
	var sent atomic.Int64
	w := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		block := make([]byte, 64<<10)
		for {
			n, err := w.Write(block)
			if err != nil {
				return
			}
			sent.Add(int64(n))
		}
	}), nil)
	_, err := w.get(t, w.server.URL)
	wantReason(t, "endless", err, TooLarge)
	w.server.Close() // waits until the handler has noticed
	if sent.Load() > 64<<20 {
		t.Errorf("%d bytes were sent", sent.Load())
	}
}

// TestDrip: a byte now and then is no reason to go on.
func TestDrip(t *testing.T) {
	drip := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(make([]byte, headBytes))
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte{0})
			w.(http.Flusher).Flush()
			time.Sleep(5 * time.Millisecond)
		}
	})
	slow := open(t, drip, func(o *Options) { o.RateSpan, o.LeastRate, o.Attempts = 300*time.Millisecond, 1<<20, 3 })
	_, err := slow.get(t, slow.server.URL)
	if e := wantError(t, "slow", err, TooSlow); !e.MayPass {
		t.Error("a slow server may be faster later")
	}
	if n := len(slow.connections()); n != 1 {
		t.Errorf("%d attempts at a slow server", n)
	}
	long := open(t, drip, func(o *Options) { o.RateSpan, o.LeastRate, o.Body = time.Hour, 1, 300*time.Millisecond })
	_, err = long.get(t, long.server.URL)
	if e := wantError(t, "long", err, TooSlow); !strings.Contains(e.Error(), "too long") {
		t.Errorf("got %v", err)
	}
}

// TestInterrupted: whoever asks can leave, in every state.
func TestInterrupted(t *testing.T) {
	began := make(chan struct{}, 8)
	w := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			_, _ = io.WriteString(w, png+strings.Repeat("a", 4096))
			w.(http.Flusher).Flush()
		}
		if r.URL.Path == "/again" {
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(http.StatusServiceUnavailable)
			began <- struct{}{}
			return
		}
		began <- struct{}{}
		<-r.Context().Done()
	}), func(o *Options) { o.HostConcurrent = 1 })
	for _, path := range []string{"/header", "/body", "/again", "/waits for the host"} {
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() {
			_, err := w.Get(ctx, w.server.URL+path, Validators{})
			failed <- err
		}()
		if !strings.Contains(path, "waits") { // as it was asked to by the one before
			<-began
		}
		cancel()
		err := <-failed
		if e := wantError(t, path, err, Interrupted); !errors.Is(err, context.Canceled) || !e.MayPass {
			t.Errorf("%s: %v", path, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := w.Get(ctx, w.server.URL, Validators{})
	if wantReason(t, "deadline", err, Interrupted); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deadline: %v", err)
	}
}

// TestEncryption: certificates are checked, and a redirect does not leave encryption.
func TestEncryption(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/down":
			http.Redirect(w, r, "http://"+r.Host+"/", http.StatusFound)
		default:
			fmt.Fprint(w, r.Proto)
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that fail, as they should
	t.Cleanup(server.Close)
	trusting := openAt(t, server, func(o *Options) {
		o.RootCAs = server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	})
	if got, err := trusting.get(t, server.URL); !strings.HasPrefix(got, "HTTP/") || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	_, err := trusting.get(t, server.URL+"/down")
	if e := wantError(t, "down", err, Redirected); !strings.Contains(e.Error(), "from https to http") {
		t.Errorf("down: %v", err)
	}
	_, err = openAt(t, server, nil).get(t, server.URL)
	if e := wantError(t, "unknown authority", err, Untrusted); e.MayPass {
		t.Errorf("a certificate does not get better: %v", err)
	}
	plain := open(t, http.NotFoundHandler(), func(o *Options) { o.Attempts = 1 })
	_, err = plain.get(t, strings.Replace(plain.server.URL, "http:", "https:", 1))
	if e := wantError(t, "no TLS", err, Unreachable); !strings.Contains(e.Error(), "TLS") {
		t.Errorf("no TLS: %v", err)
	}
}
