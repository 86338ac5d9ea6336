package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"polylens/app/bench"
	"polylens/internal/needs"
	"polylens/search"
)

const (
	crowdClients  = 32
	crowdTime     = 60 * time.Second
	crowdPictures = 1500 // indexed meanwhile
	crowdBefore   = 300  // indexed before
	crowdLimit    = 1 << 30
)

// crowdGroup is the variable that names a control group in which the benchmark may
// make groups of its own; without it nothing bounds the memory, and the peaks of the
// processes alone are told.
const crowdGroup = "POLYLENS_MEMORY_GROUP"

// BenchmarkCrowd has 32 clients search for a minute, one query after the other, each
// new, while the server indexes 1,500 pictures into the same collection. Polylens may
// hold 1 GiB, together with Milvus 2 GiB. It fails at the first search that fails, and
// tells how long searches took, beside those of as many clients of Milvus alone on the
// same collection afterwards, when nothing is indexed.
func BenchmarkCrowd(b *testing.B) {
	needs.ONNXRuntime(b)
	needs.Milvus(b)
	f := newFolders(b)
	before, during := b.TempDir(), b.TempDir()
	writePhotos(b, before, 0, crowdBefore, 640, 480)
	writePhotos(b, during, crowdBefore, crowdPictures, 640, 480)
	server, peaks := f.serveBounded(b)
	f.index(b, before)

	searched := make(chan error, 1)
	var took durations
	go func() {
		var err error
		took, err = crowd(crowdTime, func(text string) error { return crowdGet(server.address, text) })
		searched <- err
	}()
	began := time.Now()
	f.index(b, during)
	b.ReportMetric(crowdPictures/time.Since(began).Seconds(), "indexed/s")
	if err := <-searched; err != nil {
		b.Fatalf("%v\n%s", err, server.log())
	}
	took.report(b, "")
	peaks()
	server.stop(b, syscall.SIGTERM)
	f.crowdMilvus(b).report(b, "milvus-")
	b.ReportMetric(0, "ns/op")
}

// serveBounded starts a server in a control group, if there is one, and returns what
// reports its peaks of memory.
func (f folders) serveBounded(b *testing.B) (*server, func()) {
	b.Helper()
	parent := os.Getenv(crowdGroup)
	if parent == "" {
		b.Logf("nothing bounds the memory: %s is not set", crowdGroup)
		server := f.serve(b)
		server.waitReady(b)
		return server, func() { f.reportPeaks(b, server) }
	}
	both := newMemoryGroup(b, parent, "polylens-and-milvus", 2*crowdLimit)
	alone := newMemoryGroup(b, both.path, "polylens", crowdLimit)
	alone.add(b, os.Getpid()) // the server starts where this process is
	server := f.serve(b)
	memoryGroup{parent}.add(b, os.Getpid())
	f.waitMilvus(b, server.command.Process.Pid)
	both.add(b, f.milvusPID(b, server.command.Process.Pid))
	server.waitReady(b)
	return server, func() {
		f.reportPeaks(b, server)
		b.ReportMetric(float64(alone.peak(b))/1e6, "group-peak-MB")
		b.ReportMetric(float64(both.peak(b))/1e6, "groups-peak-MB")
	}
}

func (f folders) reportPeaks(b *testing.B, server *server) {
	b.Helper()
	pid := server.command.Process.Pid
	b.ReportMetric(float64(bench.MemoryOfProcess(pid, "VmHWM"))/1e6, "peak-MB")
	b.ReportMetric(float64(bench.MemoryOfProcess(f.milvusPID(b, pid), "VmHWM"))/1e6, "milvus-peak-MB")
}

// durations are how long the calls of a crowd took, sorted.
type durations []time.Duration

func (d durations) sort() { slices.Sort(d) }

func (d durations) report(b *testing.B, prefix string) {
	b.Helper()
	b.ReportMetric(d[len(d)/2].Seconds()*1000, prefix+"median-ms")
	b.ReportMetric(d[len(d)*99/100].Seconds()*1000, prefix+"p99-ms")
	b.ReportMetric(float64(len(d)), prefix+"searches")
}

// crowd calls ask from all clients at once until the time is over or a call fails.
func crowd(length time.Duration, ask func(text string) error) (durations, error) {
	var (
		group errgroup.Group
		mu    sync.Mutex
		all   durations
		end   = time.Now().Add(length)
	)
	for client := range crowdClients {
		group.Go(func() error {
			for i := 0; time.Now().Before(end); i++ {
				began := time.Now()
				if err := ask(benchText(fmt.Sprint(client), i)); err != nil {
					return fmt.Errorf("client %d, query %d: %w", client, i, err)
				}
				mu.Lock()
				all = append(all, time.Since(began))
				mu.Unlock()
			}
			return nil
		})
	}
	err := group.Wait()
	all.sort()
	return all, err
}

func crowdGet(address, text string) error {
	response, err := http.Get("http://" + address + "/api/v1/collections/c/search?limit=10&q=" + url.QueryEscape(text))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.200s", response.Status, body)
	}
	return err
}

// crowdMilvus asks Milvus alone, for vectors that are encoded already.
func (f folders) crowdMilvus(b *testing.B) durations {
	b.Helper()
	globals := globals{Data: f.data, Model: bundledModel, Onnxruntime: needs.ONNXRuntime(b), Milvus: needs.Milvus(b)}
	x := openWorking(b, newProgram(globals, terminal{in: os.Stdin, out: io.Discard, err: io.Discard}, slog.New(slog.DiscardHandler)))
	vectors := benchVectors(b, x)
	var asked atomic.Int64
	took, err := crowd(crowdTime/4, func(string) error {
		vector := vectors[asked.Add(1)%int64(len(vectors))]
		_, err := x.index.Search(b.Context(), "c", search.Query{Vector: vector, Limit: benchLimit})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return took
}
