package table

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// Bounds of a file.
const (
	maxFooter = 8 << 20
	maxValues = 4 << 20  // of a page
	maxHeader = 64 << 10 // of a page
	maxWindow = 32 << 20 // of what is packed with zstd

	maxColumns = 2000
	maxListed  = 4 << 20 // values of all lists in a row group, which may be one row's
	maxPages   = 100_000
	tail       = 8 // length of the footer, and the magic
	magic      = "PAR1"
)

// bounds are those that depend on what a file is for.
type bounds struct {
	row  int   // bytes of texts and pictures in a row
	page int64 // bytes, packed or not
	open int64 // bytes of the largest pages of all columns, which are open at once
	data int64 // bytes of all pages, unpacked
}

var (
	forMetadata = bounds{row: MaxRow, page: 32 << 20, open: 256 << 20, data: 4 << 30}
	forPictures = bounds{row: MaxRow + MaxPicture, page: 128 << 20, open: 384 << 20, data: 256 << 30}
)

// checkFooter sees that what the file says of itself is whole.
func checkFooter(file io.ReaderAt, size int64) error {
	end := make([]byte, tail)
	if size < int64(len(magic)+tail) {
		return errCut
	}
	if _, err := file.ReadAt(end, size-tail); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if string(end[4:]) != magic {
		return errors.New("it does not end as Parquet does: it is cut off, encrypted, or of another format")
	}
	length := int64(binary.LittleEndian.Uint32(end))
	if length > maxFooter || length > size-tail {
		return fmt.Errorf("what it says of itself has %d bytes, at most %d are read", length, min(maxFooter, size-tail))
	}
	footer := make([]byte, length)
	if _, err := file.ReadAt(footer, size-tail-length); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	_, err := (&compact{data: footer}).read()
	return err
}

// checkPages sees that no page is larger than it may be, packed or not.
func checkPages(ctx context.Context, file io.ReaderAt, size int64, opened *parquet.File, most bounds) error {
	if n := len(opened.Schema().Columns()); n > maxColumns {
		return fmt.Errorf("it has %d columns, at most %d are read", n, maxColumns)
	}
	total := load{most: most}
	for _, group := range opened.Metadata().RowGroups {
		total.begin()
		for _, column := range group.Columns {
			leaf, ok := opened.Schema().Lookup(column.MetaData.PathInSchema...)
			total.column(!ok || leaf.Node.Repeated() || leaf.MaxRepetitionLevel > 0)
			if err := checkColumn(ctx, file, size, column.MetaData, &total); err != nil {
				return fmt.Errorf("column %q: %w", column.MetaData.PathInSchema, err)
			}
		}
	}
	return nil
}

// load adds up what is open at once while a row group is read.
type load struct {
	most    bounds
	pages   int
	data    int64
	open    int64 // the largest pages of the columns before
	largest int64 // of this column: its page and its dictionary
	listed  int64
	lists   bool // this column has lists
}

// begin begins a row group.
func (l *load) begin() { l.open, l.largest, l.listed = 0, 0, 0 }

func (l *load) column(lists bool) {
	l.open += l.largest
	l.largest, l.lists = 0, lists
}

func (l *load) add(p page) error {
	l.pages++
	l.data += p.unpacked
	l.largest = max(l.largest, 2*p.unpacked) // it may stand beside a dictionary
	if l.lists {
		l.listed += p.values
	}
	switch {
	case l.pages > maxPages || l.data > l.most.data:
		return fmt.Errorf("the file has more than %d pages or %d bytes", maxPages, l.most.data)
	case l.open+l.largest > l.most.open:
		return fmt.Errorf("the pages of this column and those before it have more than %d bytes: write smaller pages", l.most.open)
	case l.listed > maxListed:
		return fmt.Errorf("the lists of a row group have more than %d values: write smaller row groups", maxListed)
	}
	return nil
}

func checkColumn(ctx context.Context, file io.ReaderAt, size int64, column format.ColumnMetaData, total *load) error {
	at := column.DataPageOffset
	if column.DictionaryPageOffset > 0 {
		at = min(at, column.DictionaryPageOffset)
	}
	end := at + column.TotalCompressedSize
	if at < 0 || end < at || end > size {
		return errCut
	}
	buffer := make([]byte, min(maxHeader, end-at))
	for at < end {
		page, header, err := readHeader(file, at, end, buffer, total.most.page)
		if err == nil {
			err = errors.Join(ctx.Err(), total.add(page))
		}
		if err != nil {
			return err
		}
		body := io.NewSectionReader(file, at+header, page.packed)
		if err := page.check(body, column.Codec); err != nil {
			return err
		}
		at += header + page.packed
	}
	return nil
}

// page is what a page says of itself.
type page struct {
	unpacked, packed, values int64
	levels                   int64 // bytes before what is packed
	plain                    bool  // nothing is packed
}

func readHeader(file io.ReaderAt, at, end int64, buffer []byte, most int64) (page, int64, error) {
	data := buffer[:min(int64(len(buffer)), end-at)]
	if _, err := file.ReadAt(data, at); err != nil && !errors.Is(err, io.EOF) {
		return page{}, 0, err
	}
	var p page
	c := compact{data: data, number: p.take}
	n, err := c.read()
	switch header := int64(n); {
	case err != nil:
		return p, 0, err
	case p.packed < 0 || p.packed > end-at-header:
		return p, 0, errCut
	case p.packed > most || p.unpacked > most || p.values > maxValues:
		return p, 0, fmt.Errorf("a page has %d values in %d bytes, at most %d in %d are read: write smaller pages", p.values, p.unpacked, maxValues, most)
	case p.unpacked < 0 || p.values < 0 || p.levels < 0 || p.levels > p.packed:
		return p, 0, errCut
	default:
		return p, header, nil
	}
}

// take takes a number of a PageHeader: 2 and 3 are its sizes, 5, 7 and 8 the headers of
// the kinds of pages, which begin with the number of values.
func (p *page) take(path []int16, value int64) {
	switch {
	case len(path) == 1 && path[0] == 2:
		p.unpacked = value
	case len(path) == 1 && path[0] == 3:
		p.packed = value
	case len(path) == 2 && path[1] == 1:
		p.values = max(p.values, value)
	case len(path) == 2 && path[0] == 8 && (path[1] == 5 || path[1] == 6):
		if value < 0 {
			value = forPictures.page + 1
		}
		p.levels += value
	case len(path) == 2 && path[0] == 8 && path[1] == 7:
		p.plain = value == 0
	}
}

// check unpacks a page, within its own word.
func (p page) check(body *io.SectionReader, codec format.CompressionCodec) error {
	if p.plain || codec == format.Uncompressed {
		return nil
	}
	if _, err := body.Seek(p.levels, io.SeekStart); err != nil {
		return err
	}
	packed, err := io.ReadAll(body)
	if err != nil || len(packed) == 0 {
		return err
	}
	most := p.unpacked - p.levels
	unpacked, err := unpackedSize(packed, codec, most)
	if err == nil && unpacked > most {
		err = fmt.Errorf("a page unpacks to more than the %d bytes that it names", p.unpacked)
	}
	return err
}

// unpackedSize is the size of a page unpacked, or some number above most.
func unpackedSize(packed []byte, codec format.CompressionCodec, most int64) (int64, error) {
	var reader io.Reader
	switch codec {
	case format.Snappy:
		size, err := snappy.DecodedLen(packed)
		return int64(size), err
	case format.Gzip:
		unzip, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			return 0, err
		}
		reader = unzip
	case format.Zstd:
		decoder, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return 0, err
		}
		defer decoder.Close()
		reader = decoder
	default:
		return 0, fmt.Errorf("it is packed with %v, which is not supported: write it with snappy, gzip or zstd", codec)
	}
	return io.Copy(io.Discard, io.LimitReader(reader, most+1))
}
