package orientation

import (
	"bytes"
	"compress/zlib"
	"testing"
	"time"
)

// A PNG can hold many texts, each of which unfolds to megabytes.
func TestManyTextsThatUnfold(t *testing.T) {
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	_, _ = w.Write(make([]byte, 4<<20))
	_ = w.Close()
	for _, keyword := range []string{"XML:com.adobe.xmp\x00", "Raw profile type xmp\x00", "Raw profile type exif\x00"} {
		var says Evidence
		begun := time.Now()
		for range 2000 {
			says.PNG("zTXt", append([]byte(keyword+"\x00"), packed.Bytes()...))
		}
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("%q: %v", keyword, took)
		}
		if got := says.Orientation(); got != Upright {
			t.Errorf("%q: orientation %d", keyword, got)
		}
	}
}
