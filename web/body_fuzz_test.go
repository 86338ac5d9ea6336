package web_test

import (
	"bytes"
	"testing"

	"polylens/web"
)

// FuzzReceive: whatever a client sends, an upload is a part of it no longer than it may
// be, and all that was counted is given back.
func FuzzReceive(f *testing.F) {
	const head = "--b\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"x\"\r\n\r\n"
	for _, body := range []string{"", "x", head + "x\r\n--b--\r\n", head, "--b--", "--b\r\n\r\n\r\n--b\r\n" + head} {
		f.Add("image/png", []byte(body), int64(100))
		f.Add("multipart/form-data; boundary=b", []byte(body), int64(1))
	}
	f.Add("multipart/form-data", []byte("--\r\n"), int64(1000))
	f.Fuzz(func(t *testing.T, contentType string, body []byte, most int64) {
		most = 1 + most&0xfffff
		for _, budget := range []int64{1 << 10, 4 << 20} {
			file, givenBack, err := web.Receive(contentType, body, most, budget)
			if !givenBack {
				t.Error("something is still counted")
			}
			if err == nil && (int64(len(file)) > most || int64(len(file)) > budget || !bytes.Contains(body, file)) {
				t.Errorf("%d bytes came of %d, where %d may", len(file), len(body), most)
			}
		}
	})
}
