package data

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"polylens/internal/ordinary"
)

// Lines is an NDJSON file: a JSON object on each line, with the fields that the
// package comment names. Empty lines are skipped.
type Lines struct {
	Path    string
	Options ReadOptions
}

// Read implements Source.
func (l Lines) Read(ctx context.Context, record func(Record) error, problem func(Problem)) error {
	return readFile(ctx, l.Path, func(content io.Reader, folder string) error {
		return l.Options.readLines(ctx, content, l.Path, folder, record, problem)
	})
}

// readFile opens an ordinary file for read, which gets the file's folder too.
func readFile(ctx context.Context, path string, read func(content io.Reader, folder string) error) error {
	folder, err := folderOf(path)
	if err != nil {
		return err
	}
	file, err := ordinary.OpenContext(ctx, path)
	if err != nil {
		return fmt.Errorf("pairs cannot be read: %w", err)
	}
	defer file.Close()
	return read(file, folder)
}

func (o ReadOptions) readLines(ctx context.Context, content io.Reader, name, folder string, record func(Record) error, problem func(Problem)) error {
	scanner := bufio.NewScanner(content)
	scanner.Buffer(nil, maxRecord)
	number := 0
	for scanner.Scan() {
		if err := ctx.Err(); err != nil {
			return err
		}
		number++
		line := scanner.Bytes()
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		place := atLine(name, number)
		r, err := o.parseLine(line, folder)
		if err != nil {
			problem(Problem{place, err})
			continue
		}
		r.Place = place
		if err := record(r); err != nil {
			return err
		}
	}
	if err := scanner.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("%s: the line has more than %d bytes: end each object with a line break", atLine(name, number+1), maxRecord)
	} else if err != nil {
		return fmt.Errorf("%s: %w", atLine(name, number+1), err)
	}
	return nil
}

// errNotUTF8 is found before anything replaces what it cannot read.
var errNotUTF8 = errors.New("it is not text in UTF-8: save the file again in that encoding")

func (o ReadOptions) parseLine(line []byte, folder string) (Record, error) {
	if !utf8.Valid(line) {
		return Record{}, errNotUTF8
	}
	var fields map[string]any
	if err := json.Unmarshal(line, &fields); err != nil {
		return Record{}, fmt.Errorf("it is not a JSON object: %w", err)
	}
	r, err := o.describe(line, fields)
	if err != nil {
		return Record{}, err
	}
	r.Picture, err = o.place(fields, folder)
	return r, err
}
