package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"polylens/app/folder"
	"polylens/indexer/catalog"
	"polylens/internal/needs"
	"polylens/web"
)

// switchRounds is how often TestSwitchUnderPushes uses another model and goes back, unless
// POLYLENS_SWITCH_ROUNDS says otherwise.
const (
	switchRounds         = 1
	switchRoundsVariable = "POLYLENS_SWITCH_ROUNDS"
)

// searchers ask a server all the time, and count.
type searchers struct {
	asked, failed, empty atomic.Int64
	first                atomic.Pointer[string] // of what went wrong
	stop                 chan struct{}
	group                sync.WaitGroup
}

// TestSwitchUnderPushes uses other models and goes back while clients search and push: no
// search fails or finds nothing, and each item of every push is in the end where searches
// find it.
func TestSwitchUnderPushes(t *testing.T) {
	x := openServed(t)
	handler, err := x.handler(handlerOptions{patient: true})
	if err != nil {
		t.Fatal(err)
	}
	defer handler.Close()
	server := httptest.NewServer(handler.Inside())
	defer server.Close()
	f := &fleet{members: []*member{{arguments: []string{"serve", "--addr", strings.TrimPrefix(server.URL, "http://")}}}}
	d := newDiary(uint64(time.Now().UnixNano()))
	f.push(t, d, 200, 100)
	f.settle(t, time.Minute)
	asking := ask(f.address(), 4)
	models := []string{otherModel(t, 1), otherModel(t, 2)}
	pushing, pushed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(pushed)
		for {
			select {
			case <-pushing:
				return
			default:
				f.push(t, d, 30, 100)
				f.settle(t, time.Minute)
			}
		}
	}()
	puts := make(chan int)
	go func() {
		n := 0
		defer func() { puts <- n }()
		for ; ; n++ {
			select {
			case <-pushing:
				return
			case <-time.After(50 * time.Millisecond):
			}
			path := fmt.Sprintf("/api/v1/collections/single/images/%d", n)
			if _, err := f.ask(context.WithoutCancel(t.Context()), http.MethodPut, path, http.Header{"Content-Type": {"image/png"}}, string(square(t, 100_000+n))); err != nil {
				t.Errorf("a single picture: %v", err)
				return
			}
		}
	}()
	for range numberFrom(t, switchRoundsVariable, switchRounds) {
		for _, model := range models {
			use(t, x, model)
			time.Sleep(time.Second)
		}
		if err := x.rollout.RollBack(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
	}
	close(pushing)
	<-pushed
	singles := <-puts
	f.settle(t, time.Minute)
	f.quiet(t)
	asking.end(t)
	for _, push := range d.pushes {
		f.compareJob(t, push)
	}
	f.compareImages(t, d)
	f.compareHits(t, d)
	f.wantWhole(t)
	var answer struct{ Hits []web.Hit }
	if err := json.Unmarshal([]byte(f.must(t, "/api/v1/collections/single/search?q=square&limit=1000")), &answer); err != nil || len(answer.Hits) != singles {
		t.Errorf("%d hits, want %d single pictures (%v)", len(answer.Hits), singles, err)
	}
	t.Logf("%d searches, %d single pictures, %d pushes, %d images", asking.asked.Load(), singles, len(d.pushes), len(d.images))
}

// openServed opens everything as a server does, with a Milvus of its own, in this process,
// so that any model can be used.
func openServed(t *testing.T) *parts {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	settings := globals{Data: data, Cache: t.TempDir(), Onnxruntime: needs.ONNXRuntime(t), Milvus: needs.Milvus(t), DecodeMiB: 256}
	if err := settings.chooseModel(); err != nil {
		t.Fatal(err)
	}
	p := newProgram(settings, terminal{in: os.Stdin, out: io.Discard, err: io.Discard}, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	hold, _, err := folder.Take(data, "test")
	if err != nil {
		t.Fatal(err)
	}
	p.later(hold.Release)
	return openWorking(t, p)
}

// wantWhole expects a check of the collection to find no fault.
func (f *fleet) wantWhole(t *testing.T) {
	t.Helper()
	answer, _ := f.insist(t, http.MethodPost, "/api/v1/collections/c/checks", http.Header{"Content-Type": {"application/json"}}, `{}`)
	var job web.Job
	if err := json.Unmarshal([]byte(answer), &job); err != nil {
		t.Fatal(err)
	}
	f.quiet(t)
	if err := json.Unmarshal([]byte(f.must(t, "/api/v1/jobs/"+job.ID)), &job); err != nil {
		t.Fatal(err)
	}
	if check := job.Check; check == nil || check.Missing+check.Extra+check.Outdated > 0 || len(job.Findings) > 0 {
		t.Errorf("the check says %+v %+v", job.Check, job.Findings)
	}
}

// quiet waits until no job is left.
func (f *fleet) quiet(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		var jobs struct{ Jobs []web.Job }
		if err := json.Unmarshal([]byte(f.must(t, "/api/v1/jobs?limit=100")), &jobs); err != nil {
			t.Fatal(err)
		}
		left := 0
		for _, job := range jobs.Jobs {
			if !job.State.Finished() {
				left++
			} else if job.State != catalog.JobSucceeded {
				t.Errorf("%s job %s has %s: %s", job.Kind, job.ID, job.State, job.Error)
			}
		}
		if left == 0 || time.Now().After(deadline) || t.Failed() {
			return
		}
	}
}

// ask starts some clients that search all the time.
func ask(address string, clients int) *searchers {
	s := &searchers{stop: make(chan struct{})}
	for client := range clients {
		s.group.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-s.stop:
					return
				default:
					s.once(address, fmt.Sprintf("square %d of %d", n%50, client))
				}
			}
		})
	}
	return s
}

func (s *searchers) once(address, text string) {
	s.asked.Add(1)
	client := http.Client{Timeout: 30 * time.Second}
	response, err := client.Get("http://" + address + "/api/v1/collections/c/search?limit=5&q=" + url.QueryEscape(text))
	said := ""
	var answer struct{ Hits []web.Hit }
	switch {
	case err != nil:
		said = err.Error()
	default:
		defer response.Body.Close()
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != http.StatusOK {
			said = fmt.Sprintf("%s: %v", response.Status, err)
		}
	}
	switch {
	case said != "":
		s.failed.Add(1)
		s.first.CompareAndSwap(nil, &said)
	case len(answer.Hits) == 0:
		s.empty.Add(1)
	}
}

// end expects no search to have failed or found nothing.
func (s *searchers) end(t *testing.T) {
	t.Helper()
	close(s.stop)
	s.group.Wait()
	if first := s.first.Load(); first != nil || s.empty.Load() > 0 {
		if first == nil {
			first = new(string)
		}
		t.Errorf("of %d searches %d failed (%s) and %d found nothing", s.asked.Load(), s.failed.Load(), *first, s.empty.Load())
	}
}
