package fetch

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net/url"
	"strings"
)

const maxDataHead = 1 << 10 // bytes before the comma

// isData reports whether a URL is one of the scheme data.
func isData(address string) bool {
	const scheme = "data:"
	return len(address) >= len(scheme) && strings.EqualFold(address[:len(scheme)], scheme)
}

// data gives the picture that a URL itself holds (RFC 2397, read as browsers do).
func (f *Fetcher) data(ctx context.Context, address string) (Result, error) {
	kind, payload, err := splitData(address)
	if err != nil {
		return Result{}, err
	}
	size, err := payload.size()
	if err != nil {
		return Result{}, fail(BadURL, "its data cannot be read: %v", err)
	}
	if size > f.options.MaxBytes {
		return Result{}, f.tooLarge()
	}
	if err := errors.Join(ctx.Err(), f.options.Memory.Acquire(ctx, size)); err != nil {
		return Result{}, interrupted(err)
	}
	content := make([]byte, size)
	_, err = io.ReadFull(payload.decoded(), content)
	if err != nil {
		err = fail(BadURL, "its data are not base64")
	} else {
		err = judgeHead(kind, content[:min(len(content), headBytes)])
	}
	if err != nil {
		f.options.Memory.Release(size)
		return Result{}, err
	}
	return f.result(content, size), nil
}

// splitData gives the media type that a data URL names, and what follows the comma.
func splitData(address string) (kind string, payload dataPayload, err error) {
	comma := strings.IndexByte(address[:min(len(address), maxDataHead)], ',')
	if comma < 0 {
		return "", payload, fail(BadURL, "it has no comma within its first %d bytes: write it as data:image/png;base64,…", maxDataHead)
	}
	head, err := url.PathUnescape(address[len("data:"):comma])
	if err != nil {
		return "", payload, fail(BadURL, "its media type cannot be read: write it as data:image/png;base64,…")
	}
	text, _, _ := strings.Cut(address[comma+1:], "#")
	kind, last := head, ""
	if semicolon := strings.LastIndexByte(head, ';'); semicolon >= 0 {
		kind, last = head[:semicolon], strings.TrimSpace(head[semicolon+1:])
	}
	if strings.EqualFold(last, "base64") {
		return kind, dataPayload{text, true}, nil
	}
	return head, dataPayload{text, false}, nil
}

// dataPayload is the text of a data URL's content.
type dataPayload struct {
	text   string
	base64 bool
}

var (
	errEscape  = errors.New("after % come two hexadecimal digits")
	errPadding = errors.New("something follows the = at the end of base64")
	errBase64  = errors.New("its base64 is cut off")
)

// size is how many bytes it decodes to.
func (d dataPayload) size() (int64, error) {
	n, err := io.Copy(io.Discard, d.reader())
	if !d.base64 || err != nil {
		return n, err
	}
	if n%4 == 1 {
		return 0, errBase64
	}
	return n/4*3 + max(n%4-1, 0), nil
}

func (d dataPayload) decoded() io.Reader {
	if d.base64 {
		return base64.NewDecoder(base64.RawStdEncoding, d.reader())
	}
	return d.reader()
}

func (d dataPayload) reader() *dataReader { return &dataReader{left: d.text, base64: d.base64} }

// dataReader gives the bytes of a payload without escapes. Of base64 it leaves out
// blanks and what pads the end, and gives the standard alphabet for that of URLs.
type dataReader struct {
	left   string
	base64 bool
	padded bool
}

// Read implements io.Reader.
func (d *dataReader) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		b, err := d.next()
		keep := true
		if err == nil && d.base64 {
			b, keep, err = d.coded(b)
		}
		if err != nil {
			return n, err
		}
		if keep {
			p[n] = b
			n++
		}
	}
	return n, nil
}

// next takes one byte.
func (d *dataReader) next() (byte, error) {
	if d.left == "" {
		return 0, io.EOF
	}
	b := d.left[0]
	if b != '%' {
		d.left = d.left[1:]
		return b, nil
	}
	if len(d.left) < 3 {
		return 0, errEscape
	}
	var pair [1]byte
	if _, err := hex.Decode(pair[:], []byte(d.left[1:3])); err != nil {
		return 0, errEscape
	}
	d.left = d.left[3:]
	return pair[0], nil
}

// coded is a letter of the standard alphabet, false for what is left out.
func (d *dataReader) coded(b byte) (byte, bool, error) {
	switch b {
	case ' ', '\t', '\n', '\r', '\f':
		return 0, false, nil
	case '=':
		d.padded = true
		return 0, false, nil
	case '-':
		b = '+'
	case '_':
		b = '/'
	}
	if d.padded {
		return 0, false, errPadding
	}
	return b, true, nil
}
