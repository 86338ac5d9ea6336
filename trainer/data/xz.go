package data

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// openXZ unpacks xz. Its reader takes as much memory as any block asks for, so all blocks
// are looked at before it sees them.
func openXZ(packed io.ReadSeeker) (io.Reader, error) {
	if err := checkXZ(bufio.NewReaderSize(packed, 1<<20)); err != nil {
		return nil, err
	}
	if _, err := packed.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return xz.NewReader(bufio.NewReaderSize(packed, 1<<20))
}

var errXZ = errors.New("it is damaged, or xz of an unusual kind")

// xzWalk goes over "The .xz File Format", 1.1.0, without unpacking anything: the chunks of
// LZMA2 say how long they are. Checksums are left to the reader.
type xzWalk struct {
	*bufio.Reader
	at    int64 // in the stream
	check int64 // bytes of a block's checksum
	err   error // the first; all reads after it give zeros
}

// checkXZ returns an error for a file one of whose blocks takes more memory than window.
func checkXZ(packed *bufio.Reader) error {
	w := &xzWalk{Reader: packed}
	for streams := 0; w.err == nil; streams++ {
		if w.skipZeros(); streams > 0 && errors.Is(w.err, io.EOF) {
			return nil
		}
		w.stream()
	}
	if errors.Is(w.err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return w.err
}

func (w *xzWalk) byte() byte {
	if w.err != nil {
		return 0
	}
	b, err := w.ReadByte()
	w.err, w.at = err, w.at+1
	return b
}

func (w *xzWalk) skip(n int64) {
	if w.err == nil {
		_, w.err = io.CopyN(io.Discard, w.Reader, n)
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
		w.chunks()
		w.fill()
		w.skip(w.check)
	}
	w.at = 1
	for range w.number() {
		if w.number(); w.number() == 0 && w.err != nil {
			return
		}
	}
	w.fill()
	w.skip(4 + 12)
}

// header reads that of a block, behind its first byte, and judges what its filters take.
func (w *xzWalk) header(size int64) {
	const lzma2, hasPacked, hasUnpacked = 0x21, 0x40, 0x80
	end := w.at - 1 + size
	flags := w.byte()
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
			w.fail(errXZ)
		}
		if dictionary > window {
			w.fail(fmt.Errorf("it takes %d MiB of memory to unpack, at most %d are given: pack it again with xz -9 at most", dictionary>>20, window>>20))
		}
	}
	if w.at > end {
		w.fail(errXZ)
		return
	}
	w.skip(end - w.at)
}

// chunks goes over those of LZMA2.
func (w *xzWalk) chunks() {
	for w.err == nil {
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
