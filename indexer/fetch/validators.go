package fetch

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Validators tell one state of a picture from another, by the word of its server
// (RFC 9110, 8.8). Keep all fields and hand them to the next Get of the same URL.
type Validators struct {
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"last_modified,omitempty"`
	// At is a hash of the URL, behind all redirects, whose server gave them. Another
	// server may give the same ETag to another picture. Empty is the URL that is asked.
	At string `json:"at,omitempty"`
}

const maxETag = 1 << 10

// Useful reports whether the next Get can be conditional by them.
func (v Validators) Useful() bool { return v.ETag != "" || v.LastModified != "" }

// validatorsOf are those of an answer that can be sent back.
func validatorsOf(response *http.Response, target *url.URL) Validators {
	v := Validators{ETag: goodETag(response.Header.Get("ETag")), LastModified: goodTime(response.Header.Get("Last-Modified"))}
	if isFresh(v.LastModified, response.Header.Get("Date")) {
		v.LastModified = ""
	}
	if v.Useful() {
		v.At = hashOf(target)
	}
	return v
}

// renewed are validators after an answer that nothing was modified, which may bring
// newer ones.
func (v Validators) renewed(response *http.Response, target *url.URL) Validators {
	fresh := validatorsOf(response, target)
	return Validators{ETag: cmp.Or(fresh.ETag, v.ETag), LastModified: cmp.Or(fresh.LastModified, v.LastModified), At: hashOf(target)}
}

// forURL are the validators to send to a URL, none if they are another's.
func (v Validators) forURL(target *url.URL, first bool) Validators {
	if v.At == "" && first || v.At == hashOf(target) {
		return Validators{ETag: goodETag(v.ETag), LastModified: goodTime(v.LastModified), At: v.At}
	}
	return Validators{}
}

func (v Validators) ask(header http.Header) {
	if v.ETag != "" {
		header.Set("If-None-Match", v.ETag)
	}
	if v.LastModified != "" {
		header.Set("If-Modified-Since", v.LastModified)
	}
}

func hashOf(target *url.URL) string {
	sum := sha256.Sum256([]byte(target.String()))
	return hex.EncodeToString(sum[:16])
}

// goodETag is an entity tag as RFC 9110 has it, or nothing.
func goodETag(tag string) string {
	opaque, ok := strings.CutPrefix(strings.TrimPrefix(tag, "W/"), `"`)
	if !ok || len(tag) > maxETag || strings.IndexByte(opaque, '"') != len(opaque)-1 {
		return ""
	}
	for i := range len(opaque) {
		if opaque[i] <= ' ' || opaque[i] == 0x7F {
			return ""
		}
	}
	return tag
}

// isFresh reports whether a picture was modified in the very second of the answer: it may
// be so once more, and the time would not tell (RFC 9110, 8.8.2.2).
func isFresh(modified, answered string) bool {
	then, err := http.ParseTime(modified)
	now, failed := http.ParseTime(answered)
	return err == nil && failed == nil && now.Sub(then) < time.Second
}

func goodTime(text string) string {
	if _, err := http.ParseTime(text); err != nil {
		return ""
	}
	return text
}
