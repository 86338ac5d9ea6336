package fetch

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"
)

// TestValidators: a picture that has not changed is not sent again, and validators go
// to nobody but the server that they are from.
func TestValidators(t *testing.T) {
	var asked sync.Map
	w := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.URL.Path, r.Header.Get("If-None-Match")+r.Header.Get("If-Modified-Since"))
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/etag", http.StatusFound)
			return
		}
		if r.URL.Path == "/etag" {
			w.Header().Set("ETag", `W/"one"`)
		}
		if r.URL.Path == "/time" {
			w.Header().Set("Last-Modified", "Wed, 01 Jul 2020 12:00:00 GMT")
		}
		if r.URL.Path == "/bad" {
			w.Header().Set("ETag", strings.Repeat("a", 10))
			w.Header().Set("Last-Modified", "yesterday")
		}
		if r.Header.Get("If-None-Match")+r.Header.Get("If-Modified-Since") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = io.WriteString(w, png)
	}), nil)
	for path, want := range map[string]string{"/etag": `W/"one"`, "/time": "Wed, 01 Jul 2020 12:00:00 GMT", "/moved": "", "/bad": "", "/none": ""} {
		first, err := w.Get(t.Context(), w.server.URL+path, Validators{})
		if err != nil || string(first.Data) != png || first.NotModified {
			t.Errorf("%s: %+v, %v", path, first, err)
		}
		first.Release()
		first.Release() // does nothing
		second, err := w.Get(t.Context(), w.server.URL+path, first.Validators)
		if sent, _ := asked.Load(path); sent != want {
			t.Errorf("%s: asked with %q, want %q", path, sent, want)
		}
		if hasAny := first.Validators.Useful(); err != nil || second.NotModified != hasAny || (second.Data == nil) != hasAny || second.Validators != first.Validators {
			t.Errorf("%s, again: %+v, %v", path, second, err)
		}
		second.Release()
	}
	// Those of another URL are not sent.
	other, err := w.Get(t.Context(), w.server.URL+"/etag", Validators{})
	if err != nil {
		t.Fatal(err)
	}
	other.Release()
	result, err := w.Get(t.Context(), w.server.URL+"/time", other.Validators)
	if err != nil || result.NotModified {
		t.Errorf("with those of another URL: %+v, %v", result, err)
	}
	result.Release()
	// Nor is what is none.
	result, err = w.Get(t.Context(), w.server.URL+"/none", Validators{ETag: "\"a\"\r\nHost: b", LastModified: "x\ny"})
	if err != nil || result.NotModified {
		t.Errorf("with bad ones: %+v, %v", result, err)
	}
	result.Release()
}

// TestMemory: what is fetched at once, and not yet released, fits the budget.
func TestMemory(t *testing.T) {
	const most = 128 << 10
	answered := make(chan struct{}, 32)
	w := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/untold" {
			w.(http.Flusher).Flush()
		}
		_, _ = w.Write(make([]byte, most))
		answered <- struct{}{}
	}), func(o *Options) {
		o.MaxBytes = most
		o.Memory = semaphore.NewWeighted(MemoryOf(most))
		o.HostConcurrent = 16
	})
	held, err := w.Get(t.Context(), w.server.URL+"/told", Validators{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waits := make(chan error)
	go func() {
		_, err := w.Get(ctx, w.server.URL+"/told", Validators{})
		waits <- err
	}()
	<-answered
	<-answered
	time.Sleep(50 * time.Millisecond) // in which a picture without a budget would be there
	cancel()
	wantReason(t, "no room for a second one", <-waits, Interrupted)
	held.Release()
	if result, err := w.Get(t.Context(), w.server.URL+"/told", Validators{}); err != nil {
		t.Errorf("room again: %v", err)
	} else {
		result.Release()
	}
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			result, err := w.Get(t.Context(), w.server.URL+[]string{"/told", "/untold"}[i%2], Validators{})
			if err != nil || len(result.Data) != most {
				t.Errorf("%d bytes, %v", len(result.Data), err)
			}
			result.Release()
		})
	}
	group.Wait()
	if !w.options.Memory.TryAcquire(MemoryOf(most)) {
		t.Error("memory was not given back")
	}
}

func TestDataURIs(t *testing.T) {
	w := open(t, http.NotFoundHandler(), func(o *Options) { o.MaxBytes = 1000 })
	bytes255 := make([]byte, 256)
	for i := range bytes255 {
		bytes255[i] = byte(i)
	}
	all := string(bytes255)
	std, raw := base64.StdEncoding.EncodeToString(bytes255), base64.RawURLEncoding.EncodeToString(bytes255)
	for _, test := range []struct {
		uri, want string
		reason    Reason
	}{
		{"data:image/png;base64," + std, all, ""},
		{"DATA:image/png;BASE64," + std, all, ""},
		{"data:image/png; base64 ," + std, all, ""},
		{"data:image/png;charset=utf-8;base64," + std, all, ""},
		{"data:image/png;name=\"a.png\";base64," + std, all, ""},
		{"data:image%2Fpng;base64," + std, all, ""},
		{"data:;base64," + std, all, ""},
		{"data:image/png;base64," + raw, all, ""},
		{"data:image/png;base64," + url.QueryEscape(std), all, ""},
		{"data:image/png;base64," + std[:100] + "\r\n " + std[100:] + "\n", all, ""},
		{"data:image/png;base64," + std[:100] + "%0A%20" + std[100:], all, ""},
		{"data:image/png;base64," + std + "#part", all, ""},
		{"data:image/png," + url.PathEscape(all), all, ""},
		{"data:image/x-xbitmap;charset=us-ascii,#define", "", NotPicture},
		{"data:image/x-portable-graymap,P2 1 1 1 0", "P2 1 1 1 0", ""},
		{"data:,a", "a", ""},
		{"data:image/png;base64,YQ", "a", ""},
		{"data:image/png;base64,YQ=", "a", ""},
		{"data:image/png;base64,YQ==", "a", ""},
		{"data:image/png;base64,YR==", "a", ""},
		{"data:image/png,a%2Cb,c", "a,b,c", ""},
		{"data:image/png;base64," + base64.StdEncoding.EncodeToString(make([]byte, 1000)), string(make([]byte, 1000)), ""},
		{"data:image/png;base64," + base64.StdEncoding.EncodeToString(make([]byte, 1001)), "", TooLarge},
		{"data:image/png," + strings.Repeat("%00", 1000), string(make([]byte, 1000)), ""},
		{"data:image/png," + strings.Repeat("%00", 1001), "", TooLarge},
		{"data:image/png;base64," + strings.Repeat(" ", 5000) + "YQ==", "a", ""},
		{"data:", "", BadURL},
		{"data:image/png;base64", "", BadURL},
		{"data:image/png;base64,", "", NotPicture},
		{"data:image/png;base64,====", "", NotPicture},
		{"data:image/png,", "", NotPicture},
		{"data:image/png;base64,Y", "", BadURL},
		{"data:image/png;base64,YQ==YQ==", "", BadURL},
		{"data:image/png;base64,Y*==", "", BadURL},
		{"data:image/png;base64,Y\x00==", "", BadURL},
		{"data:image/png;base64,YQ%3", "", BadURL},
		{"data:image/png,%zz", "", BadURL},
		{"data:image/%zz,a", "", BadURL},
		{"data:" + strings.Repeat("a", 2000) + ",a", "", BadURL},
		{"data:text/html,<p>Hello", "", NotPicture},
		{"data:text/html;base64,PGh0bWw+", "", NotPicture},
		{"data:image/png,<html>", "", NotPicture},
	} {
		got, err := w.get(t, test.uri)
		if test.reason == "" {
			if got != test.want || err != nil {
				t.Errorf("%.60q: got %q, %v", test.uri, got, err)
			}
			continue
		}
		if e := wantError(t, test.uri[:min(60, len(test.uri))], err, test.reason); e.MayPass || len(e.Error()) > 200 {
			t.Errorf("%.60q: %v", test.uri, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.Get(ctx, "data:,a", Validators{})
	wantReason(t, "a context that has ended", err, Interrupted)
}

// TestShown: what may be shown of a URL holds no secret.
func TestShown(t *testing.T) {
	for text, want := range map[string]string{
		"https://a.example/b/c.png":                       "https://a.example/b/c.png",
		"https://a.example/b c.png":                       "https://a.example/b%20c.png",
		"https://a.example/b?signature=secret":            "https://a.example/b?…",
		"https://a.example/b?signature=secret#secret":     "https://a.example/b?…",
		"https://a.example/b#secret":                      "https://a.example/b",
		"https://user:secret@a.example/b":                 "https://a.example/b",
		"https://secret@a.example/b@c":                    "https://a.example/b@c",
		"https://user:sec ret@a.example/b":                "https:…",
		"https://user:sec?ret@a.example/b":                "https:…",
		"https://user:secret%40a.example/b":               "https:…",
		"https:/user:secret@a.example/b":                  "https:…",
		`https:\\user:secret@a.example\b`:                 "https:…",
		"user:secret@a.example":                           "user:…",
		"https://a.example:x/b?secret":                    "https://a.example:x/b?…",
		"data:image/png;base64,c2VjcmV0":                  "data:image/png;base64,…",
		"https://a.example/" + strings.Repeat("b", 10000): "https://a.example/" + strings.Repeat("b", 182) + "…",
		"\x1b[31m": `\x1b[31m`,
		"":         `""`,
		"\n":       `"\n"`,
	} {
		if got := shown(text); got != want && got != strings.ReplaceAll(want, `"\n"`, `"\\n"`) {
			t.Errorf("%.80q: got %q, want %q", text, got, want)
		}
	}
}

// FuzzURL: a URL that is taken names a host in one form, an allowed port and no user;
// taken again it is the same, and what is shown of any text holds no secret.
func FuzzURL(f *testing.F) {
	for _, test := range refusedURLs {
		f.Add(strings.ReplaceAll(test.url, "PORT", "80"))
	}
	for _, seed := range []string{"https://a.example/b?c#d", "http://8.8.8.8", "http://[2606:4700::1111]:443/a", "HTTPS://BÜCHER.example.:443/ä", "http://a_b.example/%2e%2e/", "@0"} {
		f.Add(seed)
	}
	g, err := newGuard(Options{}.withDefaults())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(shown(text+"?sEcReT"), "sEcReT") || strings.Contains(shown("http://u:sEcReT@"+text), "sEcReT") {
			t.Errorf("%q: a secret is shown", text)
		}
		u, err := g.parse(text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Reason != BadURL && e.Reason != NotAllowed || e.MayPass {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if u.User != nil || u.Scheme != "http" && u.Scheme != "https" || u.Fragment != "" || u.Port() != "" && u.Port() != "80" && u.Port() != "443" {
			t.Errorf("%q became %q", text, u)
		}
		if host, err := normalHost(u.Hostname()); err != nil || host != u.Hostname() || strings.HasSuffix(host, ".") {
			t.Errorf("%q: host %q, %v", text, u.Hostname(), err)
		}
		again, err := g.parse(u.String())
		if err != nil || again.String() != u.String() {
			t.Errorf("%q became %q and then %v, %v", text, u, again, err)
		}
	})
}

// FuzzDataURI: what is decoded is as long as was said before, and what the standard
// library decodes is decoded alike.
func FuzzDataURI(f *testing.F) {
	for _, seed := range []string{"data:image/png;base64,YQ==", "data:,a%20b", "data:image/png;base64,-_-_", "data:;base64,Y Q%3D#a", "DATA:a;b=\"c\",%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, payload, err := splitData("data:" + text)
		if err != nil {
			return
		}
		size, err := payload.size()
		if err != nil {
			return
		}
		content, err := io.ReadAll(payload.decoded())
		if err == nil && int64(len(content)) != size {
			t.Errorf("%q: %d bytes, said to be %d", text, len(content), size)
		}
		want, wantErr := []byte(nil), errors.New("escaped")
		if payload.base64 {
			want, wantErr = base64.StdEncoding.DecodeString(payload.text)
		} else if plain, err := url.PathUnescape(payload.text); err == nil {
			want, wantErr = []byte(plain), nil
		}
		if wantErr == nil && (err != nil || !bytes.Equal(content, want)) {
			t.Errorf("%q: got %q, %v, want %q", text, content, err, want)
		}
	})
}

// TestFreshTimes: what was modified in the second of the answer may be so again in it, and
// its time would not tell.
func TestFreshTimes(t *testing.T) {
	modified := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	w := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		after, _ := time.ParseDuration(strings.TrimPrefix(r.URL.Path, "/"))
		w.Header().Set("Last-Modified", modified.Format(http.TimeFormat))
		w.Header().Set("Date", modified.Add(after).Format(http.TimeFormat))
		_, _ = io.WriteString(w, png)
	}), nil)
	for path, useful := range map[string]bool{"/0s": false, "/-5s": false, "/1s": true, "/24h": true} {
		result, err := w.Get(t.Context(), w.server.URL+path, Validators{})
		if err != nil || result.Validators.Useful() != useful {
			t.Errorf("%s: %+v, %v", path, result.Validators, err)
		}
		result.Release()
	}
}
