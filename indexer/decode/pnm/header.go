package pnm

import (
	"bytes"
	"errors"
	"math"
	"strconv"
)

// header describes the samples.
type header struct {
	kind          byte // the letter behind the P
	width, height int
	channels      int
	most          int     // largest sample
	scale         float64 // PFM: negative for the small end first
	samples       []byte
}

var errHeader = errors.New("its header makes no sense")

// Is reports whether data begin with a header that this package reads.
func Is(data []byte) bool {
	_, err := readHeader(data)
	return err == nil
}

func readHeader(data []byte) (*header, error) {
	if len(data) < 3 || data[0] != 'P' || bytes.IndexByte([]byte("1234567fF"), data[1]) < 0 || !isSpace(data[2]) && data[2] != '#' {
		return nil, errHeader
	}
	h := &header{kind: data[1], channels: 1, most: 1, samples: data[2:]}
	if h.kind == '3' || h.kind == '6' || h.kind == 'F' {
		h.channels = 3
	}
	if h.kind == '7' {
		return h, h.readPAM()
	}
	ok := h.number(&h.width) && h.number(&h.height)
	switch {
	case !ok:
	case h.kind == 'f' || h.kind == 'F':
		h.scale, ok = h.float()
	case h.kind != '1' && h.kind != '4':
		ok = h.number(&h.most)
	}
	return h, h.check(ok)
}

func (h *header) check(ok bool) error {
	if !ok || h.width <= 0 || h.height <= 0 || h.most <= 0 || h.most > 65535 {
		return errHeader
	}
	return nil
}

func isSpace(b byte) bool { return b == ' ' || b >= '\t' && b <= '\r' }

// token takes a word and the space behind it. Before it may stand comments.
func (h *header) token() string {
	const most = 20
	for len(h.samples) > 0 && (isSpace(h.samples[0]) || h.samples[0] == '#') {
		if h.samples[0] == '#' {
			h.comment()
			continue
		}
		h.samples = h.samples[1:]
	}
	n := 0
	for n < min(len(h.samples), most) && !isSpace(h.samples[n]) {
		n++
	}
	word := string(h.samples[:n])
	h.samples = h.samples[min(n+1, len(h.samples)):]
	return word
}

// comment passes over the rest of the line.
func (h *header) comment() {
	end := bytes.IndexAny(h.samples, "\r\n")
	if end < 0 {
		end = len(h.samples)
	}
	h.samples = h.samples[end:]
}

func (h *header) number(to *int) bool {
	v, err := strconv.ParseUint(h.token(), 10, 31)
	*to = int(v)
	return err == nil
}

func (h *header) float() (float64, bool) {
	v, err := strconv.ParseFloat(h.token(), 64)
	return v, err == nil && v != 0 && !math.IsInf(v, 0) && !math.IsNaN(v)
}

// readPAM reads lines of a name and a value.
func (h *header) readPAM() error {
	const lines = 100
	h.most = 0
	for range lines {
		ok := true
		switch h.token() {
		case "WIDTH":
			ok = h.number(&h.width)
		case "HEIGHT":
			ok = h.number(&h.height)
		case "DEPTH":
			ok = h.number(&h.channels)
		case "MAXVAL":
			ok = h.number(&h.most)
		case "ENDHDR":
			return h.check(h.channels >= 1 && h.channels <= 4)
		case "":
			return errHeader
		}
		if !ok {
			return errHeader
		}
	}
	return errHeader
}
