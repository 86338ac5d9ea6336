package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"polylens/internal/needs"
	"polylens/internal/postgrestest"
	"polylens/internal/relaytest"
	"polylens/search/milvus"
	"polylens/search/searchtest"
)

// fleetLease is the lease of jobs and chunks of a fleet: short, so that what a killed
// process had in hand is soon taken over.
const fleetLease = 3 * time.Second

// fleet is a server with workers, as processes on one Postgres, one object store by S3 and
// one Milvus by TCP, each of them a process, too, and behind a relay.
type fleet struct {
	base     string
	clock    string // file, see clockVariable
	postgres *postgrestest.Cluster
	milvus   *milvus.Server
	bucket   string // the folder where the object store keeps it
	full     atomic.Bool
	members  []*member // the server, then the workers

	databaseWay, milvusWay, storeWay *relaytest.Relay
}

// startFleet starts them all. They end with the test.
func startFleet(t *testing.T, workers int) *fleet {
	t.Helper()
	needs.ONNXRuntime(t)
	f := &fleet{base: t.TempDir(), postgres: postgrestest.StartCluster(t)}
	f.clock = filepath.Join(f.base, "clock")
	writeFile(t, f.clock, "0")
	var err error
	f.milvus, err = milvus.Start(t.Context(), milvus.ServerOptions{Folder: needs.Milvus(t), Data: filepath.Join(f.base, "milvus")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.milvus.Stop(context.WithoutCancel(t.Context())) })
	f.databaseWay = relaytest.Start(t, f.postgres.Dial)
	f.milvusWay = searchtest.Relay(t, f.milvus.Dial)
	f.storeWay = relaytest.Start(t, dialer(f.startStore(t)))
	f.members = append(f.members, f.member(t, "server", "serve", "--addr", freeAddress(t)))
	for n := range workers {
		f.members = append(f.members, f.member(t, fmt.Sprintf("worker-%d", n+1), "worker"))
	}
	return f
}

func dialer(address string) relaytest.Dial {
	return func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", address) }
}

// freeAddress is one that a server may listen on again and again.
func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

const (
	storeName   = "polylens" // of the account and the bucket
	storeSecret = "not-a-secret-but-for-tests"
)

// startStore starts the object store, and before it a door that turns away what is written
// while the store is full, as such stores do. It returns the address of the door.
func (f *fleet) startStore(t *testing.T) string {
	t.Helper()
	folder, address := filepath.Join(f.base, "store"), freeAddress(t)
	f.bucket = filepath.Join(folder, storeName)
	if err := os.MkdirAll(f.bucket, 0o700); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(needs.ObjectStore(t), "--port", address, "posix", folder)
	command.Env = []string{"ROOT_ACCESS_KEY=" + storeName, "ROOT_SECRET_KEY=" + storeSecret, "HOME=" + f.base}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	for range 200 {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: address})
		r.Out.Host = r.In.Host // it is signed
	}, ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }}
	door := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.full.Load() && (r.Method == http.MethodPut || r.Method == http.MethodPost) {
			w.WriteHeader(http.StatusInsufficientStorage)
			_, _ = io.WriteString(w, `<?xml version="1.0"?><Error><Code>XMinioStorageFull</Code><Message>the store is full</Message></Error>`)
			return
		}
		pass.ServeHTTP(w, r)
	})}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = door.Serve(listener) }()
	t.Cleanup(func() { door.Close() })
	return listener.Addr().String()
}

// environment is what all members are given.
func (f *fleet) environment() []string {
	return []string{
		"POLYLENS_DATABASE=" + f.postgres.URLAt(f.databaseWay.Address),
		"POLYLENS_OBJECT_STORE=s3://" + storeName + "?region=us-east-1&use_path_style=true&endpoint=http://" + f.storeWay.Address,
		"POLYLENS_MILVUS=" + f.milvusWay.Address, "POLYLENS_INSECURE_MILVUS=true", "POLYLENS_THREADS=1",
		"AWS_ACCESS_KEY_ID=" + storeName, "AWS_SECRET_ACCESS_KEY=" + storeSecret, "AWS_EC2_METADATA_DISABLED=true",
		leaseVariable + "=" + fleetLease.String(),
	}
}

// member is a process of a fleet, which is started again whenever it has ended.
type member struct {
	folders
	name      string
	arguments []string
	log       string

	mu      sync.Mutex
	command *exec.Cmd // nil while it does not run
	starts  int
	halted  bool
	over    chan struct{} // closed when it is not started any more
}

func (f *fleet) member(t *testing.T, name string, arguments ...string) *member {
	t.Helper()
	m := &member{name: name, arguments: append(arguments, "--log-level", "info"), log: filepath.Join(f.base, name+".log"), over: make(chan struct{})}
	m.folders = folders{data: filepath.Join(f.base, name), env: f.environment()}
	m.env = append(m.env, clockVariable+"="+f.clock)
	log, err := os.Create(m.log)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(m.over)
		defer log.Close()
		for m.once(log) { // as a service manager does
			time.Sleep(300 * time.Millisecond)
		}
	}()
	t.Cleanup(func() {
		m.halt(os.Kill)
		if text, err := os.ReadFile(m.log); err == nil && t.Failed() {
			t.Logf("%s, started %d times, says at last:\n%s", m.name, m.starts, text[max(0, len(text)-6000):])
		}
	})
	return m
}

// once runs it to its end, and returns whether it shall run again.
func (m *member) once(log io.Writer) bool {
	command := m.folders.command(context.Background(), m.arguments...)
	command.Stdout, command.Stderr = log, log
	m.mu.Lock()
	if m.halted {
		m.mu.Unlock()
		return false
	}
	m.starts++
	fmt.Fprintf(log, "--- start %d at %s\n", m.starts, time.Now().Format(time.TimeOnly))
	err := command.Start()
	if err == nil {
		m.command = command
	}
	m.mu.Unlock()
	if err == nil {
		_ = command.Wait() // it was killed, or says why in its log
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.command = nil
	return !m.halted
}

// signal reports whether there was a process to send it to.
func (m *member) signal(signal os.Signal) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.command != nil && m.command.Process.Signal(signal) == nil
}

// halt ends it for good.
func (m *member) halt(signal os.Signal) {
	m.mu.Lock()
	m.halted = true
	m.mu.Unlock()
	m.signal(signal)
	select {
	case <-m.over:
	case <-time.After(30 * time.Second):
		m.signal(os.Kill)
		<-m.over
	}
}

// address is where the server of a fleet listens.
func (f *fleet) address() string { return f.members[0].arguments[2] }

// ask sends the server a request, and returns an answer of a kind that is worth nothing
// more than another try as an error.
func (f *fleet) ask(ctx context.Context, method, path string, header http.Header, body string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, "http://"+f.address()+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header = header
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %.300s", method, path, response.Status, text)
	}
	return string(text), err
}

// insist is ask until it succeeds.
func (f *fleet) insist(t *testing.T, method, path string, header http.Header, body string) (answer string, tries int) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; tries++ {
		answer, err := f.ask(t.Context(), method, path, header, body)
		if err == nil {
			return answer, tries + 1
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %d tries: %v", tries, err)
		}
		time.Sleep(150 * time.Millisecond)
	}
}
