package fax

import (
	"context"
	"errors"
)

// Kind is a coding.
type Kind int

const (
	RLE         Kind = iota // Modified Huffman, each line from a new byte on
	RLEWords                // the same, each line from a new pair of bytes on
	Group3                  // Modified Huffman between line ends (T.4, one dimension)
	Group3Mixed             // Modified READ (T.4, two dimensions)
	Group4                  // Modified Modified READ (T.6)
)

var (
	errCode  = errors.New("fax: a code that is none")
	errEnded = errors.New("fax: the data end early")
)

// Decode fills out with lines of width pixels, each from a new byte on, the first pixel in
// the high bit; 1 is black. It returns how many lines there are, with an error where they
// are not enough to fill it. The context is looked at now and then.
func Decode(ctx context.Context, out, data []byte, width int, kind Kind) (lines int, err error) {
	r := &reader{bits: bits{data: data}, kind: kind, width: width}
	length := (width + 7) / 8
	for ; length > 0 && len(out) >= length; lines++ {
		if lines%256 == 0 && ctx.Err() != nil {
			return lines, ctx.Err()
		}
		if err := r.readLine(); err != nil {
			return lines, err
		}
		paint(out[:length], r.line, width)
		out = out[length:]
	}
	return lines, nil
}

// reader is data while they are read. A line is the places where its color changes,
// beginning with the first black pixel; those at its end may be the width.
type reader struct {
	bits
	kind         Kind
	width        int
	line, before []int
}

// readLine reads the next line. A damaged one ends white, except where nothing would tell
// where the next begins.
func (r *reader) readLine() error {
	r.line, r.before = r.before[:0], r.line
	refers, err := r.begin()
	if err != nil {
		return err
	}
	if refers {
		err = r.twoDimensions()
	} else {
		err = r.oneDimension()
	}
	if err != nil && (r.kind == Group4 || r.ended()) {
		return err
	}
	if err != nil && len(r.line)%2 == 1 {
		r.line = r.line[:len(r.line)-1] // black that begins, and does not end
	}
	switch {
	case err != nil && r.hasLineEnds():
		r.findLineEnd()
	case r.kind == RLE:
		r.align(8)
	case r.kind == RLEWords:
		r.align(16)
	}
	return nil
}

func (r *reader) hasLineEnds() bool { return r.kind == Group3 || r.kind == Group3Mixed }

// begin reads what stands before a line and reports whether the line refers to the one
// before it. Line ends are optional: some software leaves them out.
func (r *reader) begin() (refers bool, err error) {
	if r.ended() {
		return false, errEnded
	}
	if !r.hasLineEnds() {
		return r.kind == Group4, nil
	}
	const endOfData = 2 // line ends without a line between them
	for ends := 0; r.skipLineEnd(); ends++ {
		if ends == endOfData {
			return false, errEnded
		}
		refers = false
		if r.kind == Group3Mixed {
			refers = r.peek(1) == 0
			r.skip(1)
		}
	}
	return refers, nil
}

// lineEnd is how many zeros at least stand before the one of a line end.
const lineEnd = 11

// skipLineEnd skips a line end with the fill before it, if it stands here.
func (r *reader) skipLineEnd() bool {
	if r.peek(lineEnd) != 0 || r.ended() {
		return false
	}
	r.skip(lineEnd)
	for r.peek(1) == 0 {
		if r.ended() {
			return false
		}
		r.skip(1)
	}
	r.skip(1)
	return true
}

// findLineEnd goes on to the next line end.
func (r *reader) findLineEnd() {
	for r.peek(lineEnd) != 0 && !r.ended() {
		r.skip(1)
	}
}

func (r *reader) oneDimension() error {
	for at, color := 0, 0; at < r.width; color = 1 - color {
		n, err := r.run(color)
		if err != nil {
			return err
		}
		at += n
		r.change(at)
	}
	return nil
}

// change notes that the color changes at a place. Two changes at one place are none.
func (r *reader) change(at int) {
	at = min(at, r.width)
	if last := len(r.line) - 1; last >= 0 && r.line[last] == at {
		r.line = r.line[:last]
		return
	}
	r.line = append(r.line, at)
}

// run reads the length of a run.
func (r *reader) run(color int) (n int, err error) {
	const terminating = 64
	for {
		c := runs[color][r.peek(longest)]
		if c.length == 0 {
			return 0, r.fault()
		}
		r.skip(int(c.length))
		n += int(c.value)
		if c.value < terminating {
			return n, nil
		}
		if n > r.width {
			return 0, errCode
		}
	}
}

// twoDimensions reads a line by its differences from the one before.
func (r *reader) twoDimensions() error {
	color, next := 0, 0
	for at := 0; at < r.width; {
		c := modes[r.peek(longest)]
		if c.length == 0 {
			return r.fault()
		}
		r.skip(int(c.length))
		next = r.nextChange(next, at, color)
		switch mode := int(c.value); mode {
		case pass:
			at = r.changeBefore(next + 1)
		case horizontal:
			for i := range 2 {
				n, err := r.run(color ^ i)
				if err != nil {
					return err
				}
				at += n
				r.change(at)
			}
		default:
			to := r.changeBefore(next) + mode - vertical
			if to < at || to > r.width {
				return errCode
			}
			at = to
			r.change(at)
			color = 1 - color
		}
	}
	return nil
}

// nextChange is the index of the first change of the line before that lies after a place and
// is a change from the color. At the start of a line it may also lie at the place. The
// search goes on from the index that was found last.
func (r *reader) nextChange(from, at, color int) int {
	if from%2 != color {
		from++
	}
	for from >= 2 && r.changeBefore(from-2) > at {
		from -= 2
	}
	isStart := at == 0 && len(r.line) == 0
	for !isStart && from < len(r.before) && r.before[from] <= at {
		from += 2
	}
	return from
}

// changeBefore is the place of a change of the line before; beyond the last, its end.
func (r *reader) changeBefore(i int) int {
	if i >= len(r.before) {
		return r.width
	}
	return r.before[i]
}

// fault says whether a code is none because the data end.
func (r *reader) fault() error {
	if r.at+longest > 8*len(r.data) {
		return errEnded
	}
	return errCode
}
