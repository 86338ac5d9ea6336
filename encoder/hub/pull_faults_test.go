package hub

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// breakOff sends the first bytes of a file and closes the connection.
func breakOff(w http.ResponseWriter, content []byte, bytes int) {
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	_, _ = w.Write(content[:bytes])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func isWeightsRequest(r *http.Request) bool { return r.URL.Path == "/blob/model.safetensors" }

// faults are what the weights' server does wrong at first, after which a pull
// still succeeds.
var faults = map[string]func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool{
	"breaks off": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		if seen == 1 {
			breakOff(w, h.files["model.safetensors"], 2000)
		}
		return false
	},
	"breaks off at once": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		if seen < 4 {
			panic(http.ErrAbortHandler)
		}
		return false
	},
	"stalls": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		if seen == 1 {
			_, _ = w.Write(h.files["model.safetensors"][:2000])
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
		return seen == 1
	},
	"stalls before its answer": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		if seen == 1 {
			<-r.Context().Done()
		}
		return seen == 1
	},
	"drips": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		for seen == 1 && r.Context().Err() == nil {
			_, _ = w.Write([]byte{h.files["model.safetensors"][0]})
			_ = http.NewResponseController(w).Flush()
			time.Sleep(20 * time.Millisecond)
		}
		return seen == 1
	},
	"announces too few bytes": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		if seen == 1 {
			_, _ = w.Write(h.files["model.safetensors"][:500])
		}
		return seen == 1
	},
	"announces too many bytes": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		if seen == 1 {
			w.Header().Set("Content-Length", "1000000")
			_, _ = w.Write(h.files["model.safetensors"])
		}
		return seen == 1
	},
	"sends too much": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		_ = http.NewResponseController(w).Flush() // no length is announced
		_, _ = w.Write(h.files["model.safetensors"])
		_, _ = w.Write([]byte("more"))
		return true
	},
	"ignores ranges": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		if seen == 1 {
			breakOff(w, h.files["model.safetensors"], 2000)
		}
		_, _ = w.Write(h.files["model.safetensors"])
		return true
	},
	"answers another range": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		content := h.files["model.safetensors"]
		switch seen {
		case 1:
			breakOff(w, content, 2000)
		case 2:
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 1000-%d/%d", len(content)-1, len(content)))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(content[1000:])
		}
		return seen == 2
	},
	"refuses ranges": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		if seen == 1 {
			breakOff(w, h.files["model.safetensors"], 2000)
		}
		if r.Header.Get("Range") != "" {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return true
		}
		return false
	},
	"changes the content between attempts": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		if seen == 1 {
			other := []byte(strings.Repeat("x", len(h.files["model.safetensors"])))
			w.Header().Set("ETag", `"other"`)
			breakOff(w, other, 2000)
		}
		return false
	},
	"sends wrong content once": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		if seen == 1 {
			_, _ = io.WriteString(w, strings.Repeat("x", len(h.files["model.safetensors"])))
		}
		return seen == 1
	},
	"is ill for a while": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		codes := []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusRequestTimeout}
		if seen <= len(codes) {
			w.WriteHeader(codes[seen-1])
		}
		return seen <= len(codes)
	},
	"asks to wait": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		if seen == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		}
		return seen == 1
	},
}

func TestPullRecovers(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			h, store := newFakeHub(t), newStore(t)
			h.fault = func(w http.ResponseWriter, r *http.Request, seen int) bool {
				return isWeightsRequest(r) && fault(h, w, r, seen)
			}
			h.mustPull(t, store)
		})
	}
}

// TestPullFailures checks that each failure is one line that holds the cause
// and the remedy, and never the token or the signature of an address.
func TestPullFailures(t *testing.T) {
	status := func(code int, headers ...string) func(*fakeHub, http.ResponseWriter, *http.Request) bool {
		return func(_ *fakeHub, w http.ResponseWriter, _ *http.Request) bool {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(code)
			return true
		}
	}
	onWeights := func(fault func(*fakeHub, http.ResponseWriter, *http.Request) bool) func(*fakeHub, http.ResponseWriter, *http.Request) bool {
		return func(h *fakeHub, w http.ResponseWriter, r *http.Request) bool {
			return isWeightsRequest(r) && fault(h, w, r)
		}
	}
	answer := func(text string) func(*fakeHub, http.ResponseWriter, *http.Request) bool {
		return func(_ *fakeHub, w http.ResponseWriter, _ *http.Request) bool {
			_, _ = io.WriteString(w, text)
			return true
		}
	}
	tests := map[string]struct {
		fault func(*fakeHub, http.ResponseWriter, *http.Request) bool
		words []string
	}{
		"401":           {status(401, "X-Error-Code", "RepoNotFound"), []string{"401", "RepoNotFound", "HF_TOKEN", "check the name", name}},
		"403":           {status(403, "X-Error-Code", "GatedRepo"), []string{"403", "GatedRepo", "accept the licence at http", "HF_TOKEN"}},
		"404":           {status(404), []string{"there is no model " + name, "404", "check the name"}},
		"429 for hours": {status(429, "Retry-After", "7200"), []string{"429", "2h0m0s"}},
		"429 by date":   {status(429, "Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)), []string{"429", "asks to wait"}},
		"500 for ever":  {status(500), []string{"500", "try again later"}},
		"a loop": {func(h *fakeHub, w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
			return true
		}, []string{"redirected more than"}},
		"no JSON":    {answer("<html>"), []string{"no description of a model", "HF_ENDPOINT"}},
		"huge JSON":  {answer(strings.Repeat(" ", maxListing+1)), []string{"more than 16777216 bytes"}},
		"no commit":  {answer(`{"sha":"../../etc"}`), []string{"names no commit"}},
		"no weights": {answer(`{"sha":"` + commit + `","siblings":[{"rfilename":"pytorch_model.bin"}]}`), []string{"no weights as safetensors"}},
		"impossible": {answer(`{"sha":"` + commit + `","siblings":[{"rfilename":"model.safetensors","size":4398046511104,"lfs":{"sha256":"` + strings.Repeat("0", 64) + `"}}]}`), []string{"are free", "--data"}},
		"wrong content": {onWeights(func(h *fakeHub, w http.ResponseWriter, r *http.Request) bool {
			_, _ = w.Write([]byte(strings.Repeat("x", len(h.files["model.safetensors"]))))
			return true
		}), []string{"model.safetensors", "SHA-256", "instead of"}},
		"always breaks":  {onWeights(func(h *fakeHub, w http.ResponseWriter, r *http.Request) bool { panic(http.ErrAbortHandler) }), []string{"given up after 6 attempts", "EOF"}},
		"other length":   {onWeights(answer("short")), []string{"5 bytes are announced"}},
		"another commit": {onWeights(status(200, "X-Repo-Commit", strings.Repeat("f", 40))), []string{"is of commit ffff"}},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			h, store := newFakeHub(t), newStore(t)
			h.fault = func(w http.ResponseWriter, r *http.Request, _ int) bool { return test.fault(h, w, r) }
			_, err := h.pull(t, store)
			if err == nil {
				t.Fatal("it succeeded")
			}
			for _, word := range test.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("error %q lacks %q", err, word)
				}
			}
			if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "signature") || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q says too much", err)
			}
			if title == "404" != errors.Is(err, ErrUnknownModel) {
				t.Errorf("error %q: unknown model is %v", err, errors.Is(err, ErrUnknownModel))
			}
			checkAbsent(t, store)
		})
	}
}
