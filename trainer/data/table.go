package data

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// Table is a CSV file, or a file with tabs between its values if its name ends in
// .tsv. Its first row names the fields, which are those of the package comment; there
// is one text a row. An empty cell is a field that is not there.
type Table struct {
	Path    string
	Options ReadOptions
}

// Read implements Source.
func (t Table) Read(ctx context.Context, record func(Record) error, problem func(Problem)) error {
	comma := ','
	if strings.EqualFold(filepath.Ext(t.Path), ".tsv") {
		comma = '\t'
	}
	return readFile(ctx, t.Path, func(content io.Reader, folder string) error {
		rows := rowReader{name: t.Path, folder: folder, options: t.Options}
		return rows.read(ctx, content, comma, record, problem)
	})
}

type rowReader struct {
	name, folder string
	options      ReadOptions
	header       []string
}

func (t *rowReader) read(ctx context.Context, content io.Reader, comma rune, record func(Record) error, problem func(Problem)) error {
	limited := &limitedReader{reader: content}
	reader := csv.NewReader(withoutMark(limited))
	reader.Comma = comma
	reader.ReuseRecord = true
	if err := t.readHeader(reader); err != nil {
		return err
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		limited.read = 0
		row, err := reader.Read()
		if err == io.EOF {
			return nil
		}
		line := lineOf(reader, row, err)
		if err != nil && !errors.Is(err, csv.ErrFieldCount) {
			return fmt.Errorf("%s: %w", atLine(t.name, line), plainCSV(err))
		}
		var r Record
		if err == nil {
			r, err = t.parse(row)
		}
		r.Place = atLine(t.name, line)
		if err != nil {
			problem(Problem{r.Place, plainCSV(err)})
			continue
		}
		if err := record(r); err != nil {
			return err
		}
	}
}

func (t *rowReader) readHeader(reader *csv.Reader) error {
	header, err := reader.Read()
	if err == io.EOF {
		return fmt.Errorf("%s is empty: its first row must name the fields", t.name)
	}
	if err != nil {
		return fmt.Errorf("%s: header: %w", atLine(t.name, 1), plainCSV(err))
	}
	t.header = append(t.header, header...) // the reader uses its row again
	for i, name := range t.header {
		t.header[i] = strings.ToLower(strings.TrimSpace(name))
	}
	if !namesPicture(t.header) {
		return fmt.Errorf("%s: header: %w", atLine(t.name, 1), errNoPicture)
	}
	return nil
}

// lineOf is where a row begins.
func lineOf(reader *csv.Reader, row []string, err error) int {
	var broken *csv.ParseError
	if errors.As(err, &broken) {
		return broken.StartLine
	}
	if len(row) == 0 {
		return 0
	}
	line, _ := reader.FieldPos(0)
	return line
}

// plainCSV strips the position, which Place gives already.
func plainCSV(err error) error {
	var broken *csv.ParseError
	if errors.As(err, &broken) {
		return broken.Err
	}
	return err
}

// parse makes the JSON that a line would hold, so that both have one meaning.
func (t *rowReader) parse(row []string) (Record, error) {
	fields := make(map[string]any, len(row))
	empty := 0
	for i, name := range t.header {
		if !utf8.ValidString(name) || !utf8.ValidString(row[i]) {
			return Record{}, errNotUTF8
		}
		if row[i] != "" {
			fields[name] = row[i]
		} else if name == "text" || name == "caption" {
			empty++
		}
	}
	for _, name := range []string{"captions", "tags"} { // which JSON has as lists
		delete(fields, name)
	}
	line, err := json.Marshal(fields)
	if err != nil {
		return Record{}, err
	}
	r, err := t.options.parseLine(line, t.folder)
	r.Empty += empty
	return r, err
}

// limitedReader ends when one row takes too much: a quotation mark that is never
// closed would read the whole file into memory.
type limitedReader struct {
	reader io.Reader
	read   int
}

var errLongRow = fmt.Errorf("the row has more than %d bytes: look for a quotation mark that is not closed", maxRecord)

func (r *limitedReader) Read(p []byte) (int, error) {
	if r.read > maxRecord {
		return 0, errLongRow
	}
	n, err := r.reader.Read(p)
	r.read += n
	return n, err
}

// withoutMark skips a byte order mark.
func withoutMark(r io.Reader) io.Reader {
	buffered := bufio.NewReader(r)
	if head, _ := buffered.Peek(3); string(head) == "\ufeff" {
		_, _ = buffered.Discard(3)
	}
	return buffered
}
