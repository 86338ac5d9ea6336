package table

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
)

// Bounds of what is read.
const (
	MaxRow       = 1 << 20 // bytes of texts in a row
	MaxPicture   = 32 << 20
	maxRowValues = 200_000 // values in a row
	maxRows      = 4 << 20
)

// Row is one row of a file.
type Row struct {
	Number int            // from 0
	Fields map[string]any // values of JSON, and int64
	Lost   []string       // what is not in Fields, one sentence each
	// Pictures are the fields that hold one, of ReadPictures: a binary column "image", or
	// an object whose field "bytes" is binary, as Hugging Face writes them.
	Pictures map[string][]byte
}

// Read calls yield for every row of a Parquet file. It ends with the first error of
// yield, the context's, or that of a file that cannot be read to its end.
func Read(ctx context.Context, file io.ReaderAt, size int64, yield func(Row) error) error {
	return read(ctx, file, size, forMetadata, yield)
}

// ReadPictures is Read for files that hold pictures, too, of at most MaxPicture bytes in a
// row. What it holds in memory is bounded by the pages of one row group.
func ReadPictures(ctx context.Context, file io.ReaderAt, size int64, yield func(Row) error) error {
	return read(ctx, file, size, forPictures, yield)
}

func read(ctx context.Context, file io.ReaderAt, size int64, most bounds, yield func(Row) error) (err error) {
	defer func() {
		if failed := recover(); failed != nil {
			err = fmt.Errorf("it cannot be read: %v", failed)
		}
	}()
	if err := checkFooter(file, size); err != nil {
		return err
	}
	opened, err := parquet.OpenFile(file, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return err
	}
	if err := checkPages(ctx, file, size, opened, most); err != nil {
		return err
	}
	r := reader{schema: opened.Schema(), kinds: kindsOf(opened.Schema()), most: most, yield: yield}
	if most == forPictures {
		r.labels = labelsOf(opened)
	}
	for _, group := range opened.RowGroups() {
		if err := r.group(ctx, group); err != nil {
			return err
		}
	}
	return nil
}

type reader struct {
	schema *parquet.Schema
	kinds  map[string]func(int64) any
	labels map[string][]string // names of what numbers stand for
	most   bounds
	number int
	yield  func(Row) error
}

func (r *reader) group(ctx context.Context, group parquet.RowGroup) error {
	rows := group.Rows()
	defer rows.Close()
	buffer := make([]parquet.Row, 1)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := rows.ReadRows(buffer)
		if n == 1 {
			if err := r.row(buffer[0]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || err == nil && n == 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *reader) row(values parquet.Row) error {
	row := Row{Number: r.number}
	if r.number++; r.number > maxRows {
		return fmt.Errorf("at most %d rows are read", maxRows)
	}
	if len(values) > maxRowValues {
		row.Lost = []string{fmt.Sprintf("the row is left out: it has %d values, at most %d are read", len(values), maxRowValues)}
		return r.yield(row)
	}
	size := 0
	for _, value := range values {
		if value.Kind() == parquet.ByteArray || value.Kind() == parquet.FixedLenByteArray {
			size += len(value.ByteArray())
		}
	}
	if size > r.most.row {
		row.Lost = []string{fmt.Sprintf("the row is left out: it has %d bytes, at most %d are read", size, r.most.row)}
		return r.yield(row)
	}
	var object any
	if err := r.schema.Reconstruct(&object, values); err != nil {
		return err
	}
	fields, _ := object.(map[string]any)
	row.Fields = make(map[string]any, len(fields))
	for name, value := range fields {
		if picture := pictureIn(name, value); picture != nil && r.most == forPictures {
			row.addPicture(name, picture)
			continue
		}
		clean, ok := r.clean(name, value)
		if !ok {
			row.Lost = append(row.Lost, fmt.Sprintf("its field %q is left out: it is neither text nor number nor a list or object of them", name))
			continue
		}
		row.Fields[name] = clean
	}
	slices.Sort(row.Lost)
	return r.yield(row)
}

func (r *reader) clean(name string, value any) (any, bool) {
	if number, ok := whole(value); ok && number >= 0 && number < int64(len(r.labels[name])) {
		return r.labels[name][number], true
	}
	if number, ok := whole(value); ok && r.kinds[name] != nil {
		return r.kinds[name](number), true
	}
	return plain(value)
}

func whole(value any) (int64, bool) {
	switch value := value.(type) {
	case int32:
		return int64(value), true
	case int64:
		return value, true
	}
	return 0, false
}

// exact is the largest integer up to which float64 holds every one.
const exact = 1 << 53

// plain makes a value of JSON; a number that is none is null.
func plain(value any) (any, bool) {
	switch value := value.(type) {
	case nil, bool:
		return value, true
	case string:
		return value, utf8.ValidString(value)
	case []byte:
		return string(value), utf8.Valid(value)
	case float32:
		return plain(float64(value))
	case float64:
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return nil, true
		}
		return value, true
	case uint32:
		return float64(value), true
	case uint64:
		return float64(value), true
	case *int64:
		if value == nil {
			return nil, true
		}
		return plain(*value)
	case []any:
		return list(value)
	case map[string]any:
		return object(value)
	}
	number, ok := whole(value)
	if ok && number <= exact && number >= -exact {
		return float64(number), true
	}
	return number, ok
}

func list(values []any) (any, bool) {
	clean := make([]any, len(values))
	for i, value := range values {
		var ok bool
		if clean[i], ok = plain(value); !ok {
			return nil, false
		}
	}
	return clean, true
}

func object(fields map[string]any) (any, bool) {
	clean := make(map[string]any, len(fields))
	for name, value := range fields {
		var ok bool
		if clean[name], ok = plain(value); !ok {
			return nil, false
		}
	}
	return clean, true
}

// kindsOf says how the numbers of columns are to be written that are moments.
func kindsOf(schema *parquet.Schema) map[string]func(int64) any {
	kinds := make(map[string]func(int64) any)
	for _, field := range schema.Fields() {
		if !field.Leaf() {
			continue
		}
		kind := field.Type().String()
		if kind == "DATE" {
			kinds[field.Name()] = func(days int64) any { return time.Unix(days*86400, 0).UTC().Format(time.DateOnly) }
		}
		for suffix, unit := range units {
			if strings.HasPrefix(kind, "TIMESTAMP(") && strings.HasSuffix(kind, suffix) {
				local := strings.Contains(kind, "isAdjustedToUTC=false")
				kinds[field.Name()] = func(count int64) any { return moment(count, unit, local) }
			}
		}
	}
	return kinds
}

// units of a timestamp in a second.
var units = map[string]int64{"unit=MILLIS)": 1e3, "unit=MICROS)": 1e6, "unit=NANOS)": 1e9}

// moment is RFC 3339, without offset from UTC where none is known.
func moment(count, unit int64, local bool) any {
	at := time.Unix(count/unit, count%unit*(1e9/unit)).UTC()
	if local {
		return at.Format("2006-01-02T15:04:05.999999999")
	}
	return at.Format(time.RFC3339Nano)
}
