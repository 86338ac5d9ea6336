package fetch

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"code.dny.dev/ssrf"
)

// refusedURLs are URLs that lead to no connection, and why. PORT is one that is allowed
// and that a server listens on, on every address of this machine.
var refusedURLs = []struct {
	url    string
	reason Reason
}{
	// Addresses of this machine and of networks that are not public.
	{"http://127.0.0.2:PORT/", NotAllowed},
	{"http://127.255.255.254:PORT/", NotAllowed},
	{"http://0.0.0.0:PORT/", NotAllowed},
	{"http://10.0.0.1/", NotAllowed},
	{"http://10.255.255.255:443/", NotAllowed},
	{"http://172.16.0.1/", NotAllowed},
	{"http://172.31.255.254/", NotAllowed},
	{"http://192.168.1.1/", NotAllowed},
	{"http://169.254.169.254/latest/meta-data/", NotAllowed},
	{"http://168.63.129.16/machine/?comp=goalstate", NotAllowed},
	{"http://100.64.0.1/", NotAllowed},
	{"http://100.100.100.200/", NotAllowed},
	{"http://192.0.0.192/", NotAllowed},
	{"http://192.0.2.1/", NotAllowed},
	{"http://198.18.0.1/", NotAllowed},
	{"http://198.51.100.1/", NotAllowed},
	{"http://203.0.113.1/", NotAllowed},
	{"http://224.0.0.1/", NotAllowed},
	{"http://240.0.0.1/", NotAllowed},
	{"http://255.255.255.255/", NotAllowed},
	{"http://192.88.99.1/", NotAllowed},
	{"http://[::]:PORT/", NotAllowed},
	{"http://[::1]:PORT/", NotAllowed},
	{"http://[0:0:0:0:0:0:0:1]:PORT/", NotAllowed},
	{"http://[::ffff:127.0.0.2]:PORT/", NotAllowed},
	{"http://[::ffff:7f00:2]:PORT/", NotAllowed},
	{"http://[::ffff:169.254.169.254]/", NotAllowed},
	{"http://[::127.0.0.2]:PORT/", NotAllowed},
	{"http://[::ffff:0:127.0.0.2]:PORT/", NotAllowed},
	{"http://[64:ff9b::127.0.0.2]:PORT/", NotAllowed},
	{"http://[64:ff9b::a00:1]/", NotAllowed},
	{"http://[64:ff9b:1::7f00:2]/", NotAllowed},
	{"http://[2002:7f00:2::]/", NotAllowed},
	{"http://[2002:a00:1::1]/", NotAllowed},
	{"http://[2001:0:a00:1::]/", NotAllowed},
	{"http://[2001:db8::1]/", NotAllowed},
	{"http://[fc00::1]/", NotAllowed},
	{"http://[fd00:ec2::254]/", NotAllowed},
	{"http://[fe80::1]/", NotAllowed},
	{"http://[fec0::1]/", NotAllowed},
	{"http://[ff02::1]/", NotAllowed},
	{"http://[100::1]/", NotAllowed},
	{"http://[3fff::1]/", NotAllowed},
	// Other notations of addresses.
	{"http://127.2:PORT/", BadURL},
	{"http://127.0.2:PORT/", BadURL},
	{"http://2130706434:PORT/", BadURL},
	{"http://0x7f000002:PORT/", BadURL},
	{"http://0X7F.0.0.2:PORT/", BadURL},
	{"http://0x7f.0x0.0x0.0x2:PORT/", BadURL},
	{"http://0177.0.0.2:PORT/", BadURL},
	{"http://017700000002:PORT/", BadURL},
	{"http://127.0.0.002:PORT/", BadURL},
	{"http://127.000.000.2:PORT/", BadURL},
	{"http://0:PORT/", BadURL},
	{"http://00000000000000000000000000000000177.0.0.2/", BadURL},
	{"http://127.0.0.2.:PORT/", NotAllowed},
	{"http://256.256.256.256/", BadURL},
	{"http://4294967298/", BadURL},
	{"http://1.2.3.4.5/", BadURL},
	{"http://within.0x2/", BadURL},
	{"http://１２７.０.０.２:PORT/", NotAllowed},
	{"http://127。0。0。2:PORT/", NotAllowed},
	{"http://①②⑦.⓪.⓪.②:PORT/", NotAllowed},
	{"http://%31%32%37.0.0.2:PORT/", BadURL},
	{"http://[fe80::1%25eth0]/", BadURL},
	{"http://[::1%25lo]:PORT/", BadURL},
	{"http://[::1%lo]:PORT/", BadURL},
	{"http://[127.0.0.2]:PORT/", BadURL},
	{"http://[::1:PORT/", BadURL},
	{"http://[]:PORT/", BadURL},
	// Names that lead there.
	{"http://within.example:PORT/", NotAllowed},
	{"http://WITHIN.example.:PORT/", NotAllowed},
	{"http://ｗｉｔｈｉｎ．example:PORT/", NotAllowed},
	{"http://within6.example:PORT/", NotAllowed},
	{"http://mapped.example:PORT/", NotAllowed},
	{"http://nat64.example:PORT/", NotAllowed},
	{"http://sixtofour.example:PORT/", NotAllowed},
	{"http://metadata.example/", NotAllowed},
	{"http://zero.example:PORT/", NotAllowed},
	{"http://both.example:PORT/", NotAllowed},
	{"http://bücher.example:PORT/", NotAllowed},
	{"http://nobody.example/", NotFound},
	{"http://empty.example/", NotFound},
	// What is no URL of the web.
	{"", BadURL},
	{" ", BadURL},
	{"picture.png", BadURL},
	{"/etc/passwd", BadURL},
	{"//127.0.0.2:PORT/", BadURL},
	{"file:///etc/passwd", BadURL},
	{"file://127.0.0.2/etc/passwd", BadURL},
	{"ftp://127.0.0.2/a", BadURL},
	{"gopher://127.0.0.2:PORT/_GET", BadURL},
	{"dict://127.0.0.2:11211/stats", BadURL},
	{"unix:///var/run/docker.sock", BadURL},
	{"jar:http://127.0.0.2!/", BadURL},
	{"javascript:alert(1)", BadURL},
	{"http:127.0.0.2:PORT", BadURL},
	{"http:/127.0.0.2:PORT/", BadURL},
	{"http:///127.0.0.2:PORT/", BadURL},
	{`http:\\127.0.0.2:PORT\`, BadURL},
	{`http://127.0.0.2\@public.example/`, BadURL},
	{"http://public.example\t.within.example/", BadURL},
	{"http://public.example\r\nHost: within.example/", BadURL},
	{"http://public.example\x00.within.example/", BadURL},
	{"http://public example/", BadURL},
	{"http://public..example/", BadURL},
	{"http://.example/", BadURL},
	{"http://./", BadURL},
	{"http://-a.example/", BadURL},
	{"http://a*b.example/", BadURL},
	{"http://\xff\xfe/", BadURL},
	{"http://" + strings.Repeat("a", 64) + ".example/", BadURL},
	{"http://" + strings.Repeat("a.", 130) + "example/", BadURL},
	{"http://public.example/" + strings.Repeat("a", maxURL), BadURL},
	// Users, passwords and ports.
	{"http://user:secret@public.example/", BadURL},
	{"http://user@127.0.0.2:PORT/", BadURL},
	{"http://@127.0.0.2:PORT/", BadURL},
	{"http://public.example@127.0.0.2:PORT/", BadURL},
	{"http://public.example:22/", NotAllowed},
	{"http://public.example:6379/", NotAllowed},
	{"http://127.0.0.2:1/", NotAllowed},
	{"http://public.example:0/", BadURL},
	{"http://public.example:65536/", BadURL},
	{"http://public.example:65616/", BadURL}, // 80, in sixteen bits
	{"http://public.example:-80/", BadURL},
	{"http://public.example:8a/", BadURL},
}

func within() *names {
	return &names{answers: map[string][][]string{
		"within.example":        {{"127.0.0.2"}},
		"within6.example":       {{"::1"}},
		"mapped.example":        {{"::ffff:127.0.0.2"}},
		"nat64.example":         {{"64:ff9b::7f00:2"}},
		"sixtofour.example":     {{"2002:7f00:2::1"}},
		"metadata.example":      {{"169.254.169.254"}},
		"zero.example":          {{"0.0.0.0"}},
		"both.example":          {{"127.0.0.2", "::1", "10.0.0.1"}},
		"xn--bcher-kva.example": {{"127.0.0.2"}},
		"empty.example":         {{}},
	}}
}

// everywhere is a server on all addresses of this machine, and how often it was asked.
func everywhere(t *testing.T) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var requests atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		_, _ = w.Write([]byte("within"))
	}))
	server.Listener.Close()
	server.Listener = listen(t, ":0")
	server.Start()
	t.Cleanup(server.Close)
	return server, &requests
}

// TestRefusedURLs: none of them leads to a connection, each has an error that says why,
// and none shows a password.
func TestRefusedURLs(t *testing.T) {
	if len(refusedURLs) < 60 {
		t.Fatalf("only %d hostile URLs", len(refusedURLs))
	}
	server, requests := everywhere(t)
	w := openAt(t, server, func(o *Options) { o.Resolver = within().resolver() })
	for _, test := range refusedURLs {
		address := strings.ReplaceAll(test.url, "PORT", w.port)
		content, err := w.get(t, address)
		e := wantError(t, address, err, test.reason)
		if content != "" || e.MayPass || strings.Contains(e.Error(), "secret") || strings.ContainsAny(e.Error(), "\r\n\t\x00") {
			t.Errorf("%q: got %q, %v (may pass: %v)", address, content, err, e.MayPass)
		}
	}
	if reached := w.connections(); len(reached) > 0 || requests.Load() > 0 {
		t.Errorf("connections to %q, %d requests", reached, requests.Load())
	}
	// The server is there: what is allowed reaches it.
	if content, err := w.get(t, "http://127.0.0.1:"+w.port+"/"); content != "within" || err != nil {
		t.Errorf("what is allowed: %q, %v", content, err)
	}
}

// TestNothingIsAllowed: what is said without Options.Allow.
func TestNothingIsAllowed(t *testing.T) {
	server, requests := everywhere(t)
	w := openAt(t, server, func(o *Options) { o.Allow, o.Names.Allow = nil, "--fetch-allow" })
	for _, address := range []string{"http://localhost:PORT/a", "http://127.0.0.1:PORT/a", "http://[::1]:PORT/a"} {
		address = strings.ReplaceAll(address, "PORT", w.port)
		_, err := w.get(t, address+"?token=secret")
		e := wantError(t, address, err, NotAllowed)
		if want := address + "?…: its address is not a public one, and not allowed (--fetch-allow allows others)"; e.Error() != want {
			t.Errorf("got %q, want %q", e.Error(), want)
		}
	}
	if reached := w.connections(); len(reached) > 0 || requests.Load() > 0 {
		t.Errorf("connections to %q, %d requests", reached, requests.Load())
	}
}

// TestRedirectsToRefusedURLs: what must not be named must not be redirected to.
func TestRedirectsToRefusedURLs(t *testing.T) {
	var location atomic.Value
	w := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", location.Load().(string))
		w.WriteHeader(http.StatusFound)
	}), func(o *Options) { o.Resolver = within().resolver() })
	for _, test := range refusedURLs {
		to := strings.ReplaceAll(test.url, "PORT", w.port)
		if u, err := url.Parse(to); err == nil && u.Scheme == "" && !strings.HasPrefix(to, "//") {
			continue // a path, at the same server
		}
		if strings.ContainsAny(to, "\r\n\x00") || strings.TrimSpace(to) == "" || len(to) > maxURL {
			continue // no header
		}
		location.Store(to)
		_, err := w.get(t, w.server.URL+"/?token=secret")
		var e *Error
		if !errors.As(err, &e) || e.MayPass || e.Reason != test.reason && e.Reason != Redirected && e.Reason != NotAllowed ||
			e.URL != w.server.URL+"/?…" || strings.Contains(e.Error(), "secret") {
			t.Errorf("%q: got %v", to, err)
		}
	}
	for _, address := range w.connections() {
		if address != w.server.Listener.Addr().String() {
			t.Errorf("connected to %s", address)
		}
	}
}

// TestRebinding: a name that leads to a public address first and within afterwards is
// judged each time, also behind a redirect.
func TestRebinding(t *testing.T) {
	server, requests := everywhere(t)
	n := &names{answers: map[string][][]string{
		"turns.example": {{"127.0.0.1"}, {"127.0.0.2"}},
		"mixed.example": {{"127.0.0.2", "127.0.0.1"}},
	}}
	w := openAt(t, server, func(o *Options) { o.Resolver = n.resolver() })
	w.transport.DisableKeepAlives = true
	address := "http://turns.example:" + w.port + "/"
	if content, err := w.get(t, address); content != "within" || err != nil {
		t.Fatalf("at first: %q, %v", content, err)
	}
	_, err := w.get(t, address)
	wantReason(t, "then", err, NotAllowed)
	if !errors.Is(err, ssrf.ErrProhibitedIP) || strings.Contains(err.Error(), "127.0.0.2") {
		t.Errorf("the error %v should have its cause, and not show the address that a name leads to", err)
	}
	if content, err := w.get(t, "http://mixed.example:"+w.port+"/"); err != nil {
		wantReason(t, "of two addresses", err, NotAllowed)
	} else if content != "within" {
		t.Errorf("of two addresses: %q", content)
	}
	for _, address := range w.connections() {
		if !strings.HasPrefix(address, "127.0.0.1:") {
			t.Errorf("connected to %s", address)
		}
	}
	if requests.Load() > 2 {
		t.Errorf("%d requests", requests.Load())
	}
}

func TestAllow(t *testing.T) {
	server, _ := everywhere(t)
	for _, test := range []struct {
		allow, url string
		reason     Reason
	}{
		{"127.0.0.0/8", "http://127.0.0.2:PORT/", ""},
		{"127.0.0.0/8", "http://127.0.0.2.:PORT/", ""},
		{"127.0.0.2", "http://127.0.0.2:PORT/", ""},
		{"127.0.0.2", "http://127.0.0.3:PORT/", NotAllowed},
		{"127.0.0.2", "http://within.example:PORT/", ""},
		{"127.0.0.2", "http://[::ffff:127.0.0.2]:PORT/", NotAllowed},
		{"127.0.0.2", "http://mapped.example:PORT/", ""}, // connected to as IPv4
		{"within.example", "http://within.example:PORT/", ""},
		{"WITHIN.Example.", "http://within.example.:PORT/", ""},
		{"within.example", "http://zero.example:PORT/", NotAllowed},
		{"within.example", "http://127.0.0.2:PORT/", NotAllowed},
		{"within.example", "http://within.example:22/", NotAllowed},
		{"bücher.example", "http://xn--bcher-kva.example:PORT/", ""},
		{"64:ff9b::/96", "http://[64:ff9b::127.0.0.2]:PORT/", NotAllowed},
		{"64:ff9b::/96", "http://nat64.example:PORT/", NotAllowed},
		{"::/0", "http://[::ffff:10.0.0.1]:PORT/", NotAllowed},
	} {
		w := openAt(t, server, func(o *Options) {
			o.Allow, o.Resolver, o.Attempts = []string{test.allow}, within().resolver(), 1
		})
		content, err := w.get(t, strings.ReplaceAll(test.url, "PORT", w.port))
		if test.reason != "" {
			wantReason(t, test.allow+" and "+test.url, err, test.reason)
		} else if content != "within" || err != nil {
			t.Errorf("%s and %s: %q, %v", test.allow, test.url, content, err)
		}
	}
}

func TestBadOptions(t *testing.T) {
	memory := open(t, http.NotFoundHandler(), nil).memory
	for name, options := range map[string]Options{
		"no memory":        {},
		"a negative limit": {Memory: memory, MaxBytes: -1},
		"a negative time":  {Memory: memory, Body: -1},
		"a huge limit":     {Memory: memory, MaxBytes: 1 << 62},
		"a port":           {Memory: memory, Allow: []string{"files.internal:9000"}},
		"a URL":            {Memory: memory, Allow: []string{"http://files.internal"}},
		"another notation": {Memory: memory, Allow: []string{"127.1"}},
		"a zone":           {Memory: memory, Allow: []string{"fe80::1%eth0"}},
		"a bad prefix":     {Memory: memory, Allow: []string{"10.0.0.0/33"}},
		"nothing":          {Memory: memory, Allow: []string{""}},
	} {
		if f, err := New(options); err == nil {
			f.Close()
			t.Errorf("%s is taken", name)
		}
	}
}

// TestNoProxy: the environment has no say.
func TestNoProxy(t *testing.T) {
	proxied := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("by proxy, for " + r.URL.String()))
	}))
	defer proxied.Close()
	t.Setenv("HTTP_PROXY", proxied.URL)
	t.Setenv("http_proxy", proxied.URL)
	n := &names{answers: map[string][][]string{"public.example": {{"127.0.0.1"}}}}
	direct := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("direct"))
	}), func(o *Options) { o.Resolver = n.resolver() })
	if content, err := direct.get(t, "http://public.example:"+direct.port+"/"); content != "direct" || err != nil {
		t.Errorf("%q, %v", content, err)
	}
}
