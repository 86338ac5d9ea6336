package source

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"polylens/internal/text"
)

// mostRestarts bounds how often a table is read again behind a quotation mark that is
// not closed: each time may read it to its end.
const mostRestarts = 20

// separated reads the rows of comma-separated values.
type separated struct {
	data     []byte // what is left of the file
	line     int    // of the file, where data begins
	comma    rune   // what separates
	reader   *csv.Reader
	header   []string
	restarts int
}

// separatorOf is what separates the columns of a table: a comma, or else the semicolon or
// the tab with which its first line names a column file_name. Spreadsheets write
// semicolons where the comma is for decimals.
func separatorOf(data []byte) rune {
	first, _, _ := bytes.Cut(data, []byte("\n"))
	for _, separator := range ",;\t" {
		reader := csv.NewReader(bytes.NewReader(first))
		reader.Comma = separator
		if header, err := reader.Read(); err == nil && slices.Contains(header, fileNameKey) {
			return separator
		}
	}
	return ','
}

func (t *separated) newReader() *csv.Reader {
	reader := csv.NewReader(bytes.NewReader(t.data))
	reader.Comma = t.comma
	return reader
}

// quotedList is for messages, and short.
func quotedList(names []string) string {
	const most = 8
	var list []string
	for i, name := range names {
		if i == most {
			return strings.Join(list, ", ") + fmt.Sprintf(" and %d more", len(names)-most)
		}
		list = append(list, fmt.Sprintf("%.40q", name))
	}
	return strings.Join(list, ", ")
}

// parseTable reads comma-separated values with a header. All values are texts. A row
// that cannot be used is lost alone.
func parseTable(data []byte, left room, problem func(place string, err error)) map[string]manifestEntry {
	entries := make(map[string]manifestEntry)
	t := &separated{data: data, line: 1, comma: separatorOf(data)}
	t.reader = t.newReader()
	header, err := t.read()
	if err == nil && !slices.Contains(header, fileNameKey) {
		err = fmt.Errorf("no column is called %s; it has %s", fileNameKey, quotedList(header))
	}
	if err != nil {
		problem("L1", fmt.Errorf("its header: %w", err))
		return entries
	}
	t.header = header
	met := make(map[string]bool, len(header))
	for _, name := range header {
		if met[name] {
			problem("L1", fmt.Errorf("its header: the column %.80q occurs twice: the last one counts", name))
		}
		met[name] = true
	}
	size := 0
	for number := 2; ; number++ {
		row, err := t.read()
		if errors.Is(err, io.EOF) {
			return entries
		}
		place := "row=" + strconv.Itoa(number)
		if err != nil {
			problem(place, err)
			if !t.goOn(err) {
				return entries
			}
			continue
		}
		entry, err := tableEntry(header, row)
		if err != nil {
			problem(place, err)
			continue
		}
		if size += len(entry.data); size > left.bytes {
			problem(place, fmt.Errorf("this row and those after it are not read: with the names of its columns %w", left.errRoom()))
			return entries
		}
		if len(entries) == left.entries {
			problem(place, left.errEntries())
			return entries
		}
		entry.place = place
		addEntry(entries, entry, problem)
	}
}

// read returns the next row. Errors name lines of the file.
func (t *separated) read() ([]string, error) {
	row, err := t.reader.Read()
	var broken *csv.ParseError
	if errors.As(err, &broken) {
		broken.StartLine += t.line - 1
		broken.Line += t.line - 1
		return nil, broken
	}
	if err != nil {
		return nil, err
	}
	for i, field := range row {
		line, column := t.reader.FieldPos(i)
		if err := checkField(field, line+t.line-1, column); err != nil {
			return nil, err
		}
	}
	return row, nil
}

// checkField is nil for UTF-8 without zero characters. line and column are where the
// field begins.
func checkField(field string, line, column int) error {
	err := text.CheckLines([]byte(field), line)
	var invalid *text.Invalid
	if errors.As(err, &invalid) && invalid.Line == line {
		invalid.Column += column - 1
	}
	if err == nil {
		if err = text.Check(field); err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
	return err
}

// goOn makes ready for the row after one that could not be read, and reports whether
// there may be one. A quotation mark that is not closed has swallowed the lines behind it.
func (t *separated) goOn(err error) bool {
	var broken *csv.ParseError
	if !errors.As(err, &broken) || broken.Line == broken.StartLine {
		return true
	}
	if t.restarts++; t.restarts > mostRestarts {
		return false
	}
	for t.line <= broken.StartLine {
		end := bytes.IndexByte(t.data, '\n')
		if end < 0 {
			return false
		}
		t.data, t.line = t.data[end+1:], t.line+1
	}
	t.reader = t.newReader()
	t.reader.FieldsPerRecord = len(t.header)
	return true
}

func tableEntry(header, row []string) (manifestEntry, error) {
	object := make(map[string]string, len(header))
	for i, key := range header {
		object[key] = row[i]
	}
	data, err := json.Marshal(object)
	return manifestEntry{data: data, name: object[fileNameKey]}, err
}
