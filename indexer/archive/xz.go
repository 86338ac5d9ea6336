package archive

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// openXZ unpacks xz. Its reader takes as much memory as any block asks for, so a walk
// goes ahead of it and lets a block through only after it has seen its header.
func openXZ(packed *bufio.Reader) (io.ReadCloser, error) {
	from, to := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		to.CloseWithError(checkXZ(packed, to))
	}()
	reader, err := xz.NewReader(from)
	walked := &walkedXZ{reader, from, done}
	if err != nil {
		return nil, errors.Join(err, walked.Close())
	}
	return walked, nil
}

// walkedXZ is unpacked behind a walk.
type walkedXZ struct {
	io.Reader
	pipe *io.PipeReader
	done chan struct{}
}

// Close ends the walk. Nobody reads from the packed stream after it.
func (w *walkedXZ) Close() error {
	err := w.pipe.Close()
	<-w.done
	return err
}

var errXZ = errors.New("it is damaged, or xz of an unusual kind")

// xzWalk goes over "The .xz File Format", 1.1.0, without unpacking anything: the chunks of
// LZMA2 say how long they are. Checksums are left to the reader.
type xzWalk struct {
	*bufio.Reader
	held  bytes.Buffer // read, and not yet let through
	to    io.Writer
	at    int64 // in the stream
	check int64 // bytes of a block's checksum
	err   error // the first; all reads after it give zeros
}

// checkXZ copies a file. It ends with an error before a block that takes more memory
// than window.
func checkXZ(packed *bufio.Reader, to io.Writer) error {
	w := &xzWalk{Reader: packed, to: to}
	for streams := 0; w.err == nil; streams++ {
		if w.skipZeros(); streams > 0 && errors.Is(w.err, io.EOF) {
			return w.end(nil)
		}
		w.stream()
	}
	if errors.Is(w.err, io.EOF) {
		return w.end(io.ErrUnexpectedEOF)
	}
	return w.err
}

// end lets the rest through: what is cut off is good up to there.
func (w *xzWalk) end(err error) error {
	_, failed := w.to.Write(w.held.Bytes())
	return cmp.Or(failed, err)
}

// pass lets through what was read, if nothing is wrong with it.
func (w *xzWalk) pass() {
	if w.err == nil {
		_, w.err = w.held.WriteTo(w.to)
	}
}

func (w *xzWalk) byte() byte {
	if w.err != nil {
		return 0
	}
	b, err := w.ReadByte()
	if err == nil {
		w.held.WriteByte(b)
	}
	w.err, w.at = err, w.at+1
	return b
}

// skip reads at most one chunk.
func (w *xzWalk) skip(n int64) {
	if w.err == nil {
		_, w.err = io.CopyN(&w.held, w.Reader, n)
		w.at += n
	}
}

// fill skips to a multiple of four.
func (w *xzWalk) fill() { w.skip(-w.at & 3) }

func (w *xzWalk) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// skipZeros skips what may stand between streams.
func (w *xzWalk) skipZeros() {
	for w.err == nil {
		next, err := w.Peek(1)
		if w.err = err; err != nil || next[0] != 0 {
			return
		}
		w.byte()
		w.pass()
	}
}

// number is one of variable length.
func (w *xzWalk) number() uint64 {
	var v uint64
	for shift := 0; shift < 63; shift += 7 {
		b := w.byte()
		v |= uint64(b&0x7F) << shift
		if b&0x80 == 0 {
			return v
		}
	}
	w.fail(errXZ)
	return 0
}

// stream reads a header, blocks, the index and the footer.
func (w *xzWalk) stream() {
	for _, want := range []byte("\xfd7zXZ\x00\x00") {
		if w.byte() != want {
			w.fail(errXZ)
		}
	}
	w.check = []int64{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}[w.byte()&15]
	w.skip(4)
	w.at = 0
	size := w.byte()
	for ; size != 0 && w.err == nil; size = w.byte() {
		w.header((int64(size) + 1) * 4)
		w.pass()
		w.chunks()
		w.fill()
		w.skip(w.check)
	}
	w.at = 1
	for range w.number() {
		if w.number(); w.number() == 0 && w.err != nil {
			return
		}
		w.pass()
	}
	w.fill()
	w.skip(4 + 12)
	w.pass()
}

// header reads that of a block, behind its first byte, and judges what its filters take.
func (w *xzWalk) header(size int64) {
	const lzma2, hasPacked, hasUnpacked = 0x21, 0x40, 0x80
	end := w.at - 1 + size
	flags, bad := w.byte(), error(nil)
	for _, has := range []byte{hasPacked, hasUnpacked} {
		if flags&has != 0 {
			w.number()
		}
	}
	for range flags&3 + 1 {
		id, length := w.number(), w.number()
		if id != lzma2 || length != 1 {
			w.skip(int64(min(length, 1<<10)))
			continue
		}
		dictionary, err := lzma.DecodeDictCap(w.byte())
		if err != nil {
			bad = errXZ
		}
		if dictionary > window {
			bad = cmp.Or(bad, fmt.Errorf("it takes %d MiB of memory to unpack, at most %d are given: pack it again with xz -9 at most", dictionary>>20, window>>20))
		}
	}
	if w.at > end {
		w.fail(errXZ)
		return
	}
	if w.skip(end - w.at); bad != nil { // a header that is cut off is so first of all
		w.fail(bad)
	}
}

// chunks goes over those of LZMA2.
func (w *xzWalk) chunks() {
	for ; w.err == nil; w.pass() {
		switch control := w.byte(); {
		case control == 0:
			return
		case control >= 0x80:
			w.skip(2)
			packed := int64(w.byte())<<8 | int64(w.byte())
			if control >= 0xC0 { // properties
				packed++
			}
			w.skip(packed + 1)
		case control <= 2:
			w.skip((int64(w.byte())<<8 | int64(w.byte())) + 1)
		default:
			w.fail(errXZ)
		}
	}
}
