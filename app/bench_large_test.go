package main

import (
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"

	"polylens/app/bench"
	"polylens/indexer"
	"polylens/internal/needs"
)

const (
	largePictures = 6
	largeRequests = 400
	largeClients  = 32
)

// BenchmarkLargePictures indexes six PNGs of 63 megapixels and has 32 clients ask for 400
// thumbnails of them, in every size that is kept, while six more are indexed. It tells the
// peak of the server's memory, of which decoding may hold --decode-memory, beside what it
// held before any of that.
func BenchmarkLargePictures(b *testing.B) {
	needs.ONNXRuntime(b)
	needs.Milvus(b)
	f, pictures, more := newFolders(b), b.TempDir(), b.TempDir()
	for number := range largePictures {
		drawLarge(b, filepath.Join(pictures, fmt.Sprintf("%d.png", number)), number)
		drawLarge(b, filepath.Join(more, fmt.Sprintf("%d.png", number)), largePictures+number)
	}
	server := f.serve(b)
	server.waitReady(b)
	pid := server.command.Process.Pid
	b.ReportMetric(float64(bench.MemoryOfProcess(pid, "VmHWM"))/1e6, "before-MB")
	f.index(b, pictures)
	b.ReportMetric(float64(bench.MemoryOfProcess(pid, "VmHWM"))/1e6, "indexed-MB")
	var group errgroup.Group
	group.Go(func() error {
		if got := f.run(b, "index", more, "--collection", "d"); got.code != exitSuccess {
			return fmt.Errorf("index ends with %d: %s", got.code, got.stderr)
		}
		return nil
	})
	answers := server.askThumbnails(b)
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(answers.fine.Load()), "answered")
	b.ReportMetric(float64(answers.busy.Load()), "busy")
	b.ReportMetric(float64(answers.late.Load()), "late")
	b.ReportMetric(float64(bench.MemoryOfProcess(pid, "VmHWM"))/1e6, "peak-MB")
	b.ReportMetric(0, "ns/op")
	server.stop(b, syscall.SIGTERM)
}

// drawLarge draws a picture that a PNG keeps in few bytes.
func drawLarge(b *testing.B, path string, number int) {
	b.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, 9000, 7000))
	for y := range 7000 {
		row := img.Pix[y*img.Stride:][:img.Stride]
		for x := 0; x < len(row); x += 4 {
			row[x], row[x+1], row[x+2], row[x+3] = uint8(x/512*(number+1)), uint8(y/16), uint8((x/4+y)/64), 255
		}
	}
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(file, img); err != nil {
		b.Fatal(err)
	}
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
}

// thumbnailAnswers are how requests for thumbnails ended.
type thumbnailAnswers struct{ fine, busy, late atomic.Int64 }

// askThumbnails fails where an answer is neither a thumbnail, nor a 503 that says when to
// ask again, nor a 504.
func (s *server) askThumbnails(b *testing.B) *thumbnailAnswers {
	b.Helper()
	var list struct{ Images []struct{ ID string } }
	if err := json.Unmarshal([]byte(s.get(b, "/api/v1/collections/c/images", http.StatusOK)), &list); err != nil || len(list.Images) != largePictures {
		b.Fatalf("%d images, %v", len(list.Images), err)
	}
	var answers thumbnailAnswers
	var group errgroup.Group
	group.SetLimit(largeClients)
	for n := range largeRequests {
		image, side := list.Images[n%largePictures].ID, indexer.ThumbnailSides[n/largePictures%len(indexer.ThumbnailSides)]
		group.Go(func() error {
			return answers.ask(fmt.Sprintf("http://%s/api/v1/collections/c/images/%s/thumbnail?size=%d", s.address, image, side))
		})
	}
	if err := group.Wait(); err != nil {
		b.Errorf("%v\n%s", err, s.log())
	}
	return &answers
}

func (a *thumbnailAnswers) ask(url string) error {
	response, err := http.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	switch {
	case response.StatusCode == http.StatusOK:
		a.fine.Add(1)
	case response.StatusCode == http.StatusServiceUnavailable && response.Header.Get("Retry-After") != "":
		a.busy.Add(1)
	case response.StatusCode == http.StatusGatewayTimeout:
		a.late.Add(1)
	default:
		return fmt.Errorf("%s: %d", url, response.StatusCode)
	}
	return nil
}
