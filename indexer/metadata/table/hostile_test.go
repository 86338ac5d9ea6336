package table

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
)

// written is a Parquet file of rows of columns, with pages as large as they get.
func written(t *testing.T, schema *parquet.Schema, rows int, row func(int) parquet.Row) []byte {
	t.Helper()
	var to bytes.Buffer
	w := parquet.NewWriter(&to, schema, parquet.Compression(&parquet.Zstd), parquet.PageBufferSize(31<<20), parquet.DataPageStatistics(false))
	for i := range rows {
		if _, err := w.WriteRows([]parquet.Row{row(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return to.Bytes()
}

// Columns whose pages unpack to megabytes are read at the same time.
func TestLoad(t *testing.T) {
	l := load{most: forMetadata}
	l.begin()
	refused := 0
	for range 24 {
		l.column(false)
		for range 3 { // one page of a column after another
			if err := l.add(page{unpacked: 16 << 20, values: 1}); err != nil {
				refused++
			}
		}
	}
	if refused != 3*16 {
		t.Errorf("%d pages are refused", refused)
	}
	l = load{most: forMetadata}
	for range 3 {
		l.begin()
		l.column(true)
		for range 4 {
			if err := l.add(page{values: 1 << 20}); err != nil {
				t.Error(err)
			}
		}
	}
	if err := l.add(page{values: 1}); err == nil {
		t.Error("more values are accepted")
	}
	l = load{most: forMetadata, pages: maxPages}
	if err := l.add(page{}); err == nil {
		t.Error("more pages are accepted")
	}
}

// A row can hold millions of values that have no bytes.
func TestRowOfManyValues(t *testing.T) {
	const values = 6 << 20
	schema := parquet.NewSchema("s", parquet.Group{"l": parquet.Repeated(parquet.Optional(parquet.Leaf(parquet.Int32Type)))})
	row := make(parquet.Row, values)
	for i := range row {
		row[i] = parquet.NullValue().Level(min(i, 1), 1, 0)
	}
	data := written(t, schema, 1, func(int) parquet.Row { return row })
	row = nil
	runtime.GC()
	readWithin(t, data, 550)
}

// readWithin reads a hostile file within some MiB.
func readWithin(t *testing.T, data []byte, most uint64) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	begun := time.Now()
	rows, err := readAll(t.Context(), data)
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) >> 20; n > most {
		t.Errorf("a file of %d kB makes it allocate %d MiB: %d rows, %v", len(data)>>10, n, len(rows), err)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if err == nil && (len(rows) == 0 || rows[0].Lost == nil) {
		t.Error("nothing is said")
	}
}

// A file may name more columns than any table has.
func TestManyColumns(t *testing.T) {
	group := parquet.Group{}
	for i := range 15_000 {
		group[fmt.Sprintf("column%d", i)] = parquet.Optional(parquet.Leaf(parquet.Int32Type))
	}
	data := written(t, parquet.NewSchema("s", group), 1, func(int) parquet.Row {
		var row parquet.Row
		for i := range 15_000 {
			row = append(row, parquet.NullValue().Level(0, 0, i))
		}
		return row
	})
	readWithin(t, data, 400)
}
