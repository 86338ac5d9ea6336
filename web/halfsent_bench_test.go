package web_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"polylens/web"
	"polylens/web/webtest"
)

// BenchmarkHalfSentUploads opens 300 uploads of 32 MiB each, sends all of each but its
// end, and reports what this process has grown by. The clients share what they send.
func BenchmarkHalfSentUploads(b *testing.B) {
	const uploads, size = 300, 32 << 20
	library := webtest.NewLibrary()
	handler, err := web.New(webtest.Config(library, webtest.NewJobs(library, time.Hour)))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(handler.Close)
	server := webtest.Serve(b, handler)
	part := make([]byte, size-1)
	for b.Loop() {
		debug.FreeOSMemory()
		before := resident(b)
		for range uploads {
			var dialer net.Dialer
			connection, err := dialer.DialContext(b.Context(), "tcp", strings.TrimPrefix(server.URL, "http://"))
			if err != nil {
				b.Fatal(err)
			}
			defer connection.Close()
			_, err = fmt.Fprintf(connection, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", searchPath, size)
			if err != nil {
				b.Fatal(err)
			}
			_ = connection.SetWriteDeadline(time.Now().Add(5 * time.Second))
			_, _ = connection.Write(part) // the server may refuse
		}
		b.ReportMetric(float64(resident(b)-before)/(1<<20), "MiB")
	}
}

// resident is the memory of this process, in bytes.
func resident(b *testing.B) int {
	b.Helper()
	file, err := os.Open("/proc/self/statm")
	if err != nil {
		b.Skip(err)
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	if err != nil {
		b.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		b.Fatal(err)
	}
	return pages * os.Getpagesize()
}
