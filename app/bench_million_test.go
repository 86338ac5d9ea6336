package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color/palette"
	"image/png"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"polylens/app/bench"
	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/internal/needs"
)

// millionVariable is how many pictures BenchmarkMillion brings in; default: 20,000.
const millionVariable = "POLYLENS_BENCH_IMAGES"

// BenchmarkMillion pushes drawings of 96 pixels to a server in ten pushes, one after the
// other, and tells of each its rate, and what memory Polylens and Milvus hold after it: a
// line on standard error as soon as it is done. Then it searches, alone and while one more
// push goes on. Everything happens once, whatever -benchtime says.
func BenchmarkMillion(b *testing.B) {
	needs.ONNXRuntime(b)
	needs.Milvus(b)
	images := 20_000
	if text := os.Getenv(millionVariable); text != "" {
		var err error
		if images, err = strconv.Atoi(text); err != nil || images < 100 {
			b.Fatalf("%s=%s: want a number of pictures, 100 or more", millionVariable, text)
		}
	}
	f := newFolders(b)
	server := f.serve(b)
	server.waitReady(b)
	const tenths, warm = 10, 20
	pushToServer(b, server.address, 0, warm) // the collection is there before the clock runs
	var rates []float64
	for tenth := range tenths {
		began := time.Now()
		pushToServer(b, server.address, warm+tenth*images/tenths, images/tenths)
		rates = append(rates, float64(images/tenths)/time.Since(began).Seconds())
		pid := server.command.Process.Pid
		fmt.Fprintf(os.Stderr, "%d pictures, the last %d at %.1f a second; Polylens holds %d MB, Milvus %d MB\n", (tenth+1)*images/tenths,
			images/tenths, rates[tenth], bench.MemoryOfProcess(pid, "VmRSS")/1e6, bench.MemoryOfProcess(f.milvusPID(b, pid), "VmRSS")/1e6)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(rates[0], "first-images/s")
	b.ReportMetric(rates[tenths-1]/rates[0], "last-of-first")
	f.reportPeaks(b, server)
	searchAlone(b, server.address, "before", 50).report(b, "cold-") // what was written last is loaded meanwhile
	searchAlone(b, server.address, "alone", 500).report(b, "alone-")
	done := make(chan struct{})
	go func() {
		defer close(done)
		pushToServer(b, server.address, warm+images, 6000)
	}()
	var took durations
	for running, i := true, 0; running; i++ {
		select {
		case <-done:
			running = false
		default:
			took = append(took, searchAlone(b, server.address, fmt.Sprint("busy", i), 20)...)
		}
	}
	took.sort()
	took.report(b, "busy-")
	server.stop(b, syscall.SIGTERM)
}

// searchAlone asks one query after the other, each new.
func searchAlone(b *testing.B, address, run string, count int) (took durations) {
	b.Helper()
	for i := range count {
		began := time.Now()
		if err := crowdGet(address, benchText(run, i)); err != nil {
			b.Error(err)
		}
		took = append(took, time.Since(began))
	}
	took.sort()
	return took
}

// pushToServer sends drawings as lines of JSON and waits until they are indexed.
func pushToServer(b *testing.B, address string, first, count int) {
	b.Helper()
	reader, writer := io.Pipe()
	go func() { _ = writer.CloseWithError(writeDrawings(writer, first, count)) }()
	var job struct {
		ID       string               `json:"id"`
		State    catalog.JobState     `json:"state"`
		Progress indexer.PushProgress `json:"progress"`
		Counts   catalog.PushCounts   `json:"counts"`
		Error    string               `json:"error"`
	}
	ask := func(method, path string, body io.Reader) {
		request, err := http.NewRequestWithContext(b.Context(), method, "http://"+address+"/api/v1"+path, body)
		if err != nil {
			b.Error(err)
			return
		}
		request.Header.Set("Content-Type", "application/x-ndjson")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			b.Error(err)
			return
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode >= http.StatusBadRequest || json.Unmarshal(text, &job) != nil {
			b.Errorf("%s: %s: %.300s (%v)", path, response.Status, text, err)
		}
	}
	for ask(http.MethodPost, "/collections/c/jobs", reader); !job.State.Finished() && !b.Failed(); ask(http.MethodGet, "/jobs/"+job.ID, nil) {
		time.Sleep(50 * time.Millisecond)
	}
	if job.State != catalog.JobSucceeded || job.Counts.Created != count {
		b.Errorf("%+v, want %d created", job, count)
	}
}

// writeDrawings writes lines with different drawings.
func writeDrawings(to io.Writer, first, count int) error {
	encoder := png.Encoder{CompressionLevel: png.BestSpeed, BufferPool: &onePool{}}
	var file, line bytes.Buffer
	for id := first; id < first+count; id++ {
		file.Reset()
		if err := encoder.Encode(&file, drawQuickly(uint64(id))); err != nil {
			return err
		}
		line.Reset()
		fmt.Fprintf(&line, `{"op":"upsert","id":"%d","metadata":{"n":%d},"data":"%s"}`+"\n", id, id, base64.StdEncoding.EncodeToString(file.Bytes()))
		if _, err := to.Write(line.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// drawQuickly draws some rectangles in the colours of a palette: drawing a million
// pictures should cost little beside indexing them.
func drawQuickly(seed uint64) *image.Paletted {
	const side = 96
	random := rand.New(rand.NewPCG(seed, 7))
	picture := image.NewPaletted(image.Rect(0, 0, side, side), palette.WebSafe)
	for range 6 {
		x, y, colour := random.IntN(side), random.IntN(side), uint8(random.IntN(len(palette.WebSafe)))
		for v := y; v < min(side, y+random.IntN(side)); v++ {
			row := picture.Pix[v*side : (v+1)*side]
			for u := x; u < min(side, x+side/2); u++ {
				row[u] = colour
			}
		}
	}
	return picture
}

// onePool keeps the buffer of an encoder that is used again.
type onePool struct{ buffer *png.EncoderBuffer }

func (p *onePool) Get() *png.EncoderBuffer { return p.buffer }

func (p *onePool) Put(buffer *png.EncoderBuffer) { p.buffer = buffer }
