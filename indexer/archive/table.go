package archive

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"strings"

	"polylens/indexer/source"
)

// mostRows bounds the rows of all tables of an archive.
const mostRows = 1 << 20

// tableOf is a table of metadata for the pictures of a folder and below.
type tableOf struct {
	*source.Table
	name   string
	folder string // ends with / unless it is empty
}

// of is the name of a picture below the folder of the table, "" for others.
func (t tableOf) of(id string) string {
	below, found := strings.CutPrefix(id, t.folder)
	if !found {
		return ""
	}
	return below
}

// table reads a table of metadata. What of it cannot be used is told in one Entry with a
// Problem.
func (c *collector) table(name string, m member) error {
	bytes, rows := c.limits.MaxTables, mostRows
	for _, t := range c.tables {
		rows -= t.Rows()
	}
	if m.problem != nil {
		return c.aside(name, m.problem)
	}
	data, problem, err := c.content(m, bytes-c.tableBytes)
	if err != nil || problem != nil {
		if problem != nil {
			problem = fmt.Errorf("as a table of metadata: %w", problem)
			return c.aside(name, problem)
		}
		return err
	}
	c.tableBytes += int64(len(data))
	var told tableFaults
	parsed, err := source.ParseTable(c.meter.ctx, name, data, rows, told.add)
	if c.meter.ctx.Err() != nil {
		return c.meter.ctx.Err()
	}
	if err != nil {
		told.add("it", err)
	}
	if parsed != nil {
		t := tableOf{Table: parsed, name: name, folder: strings.TrimSuffix(name, path.Base(name))}
		told.late(c.late(t))
		c.tables = append(c.tables, t)
	}
	if told.count > 0 {
		return c.aside(name, told.err())
	}
	return nil
}

// late are the pictures that a table describes and that were passed on without it.
func (c *collector) late(t tableOf) (names []string) {
	for _, name := range t.Names() {
		id := t.folder + name
		if c.group.picture != nil && c.group.picture.ID == id {
			continue
		}
		if _, passed := c.seen[[16]byte(sha256Of(id))]; passed {
			_, _, _ = t.About(name) // it is there, after all
			names = append(names, id)
		}
	}
	return names
}

// tableFaults adds up what is wrong with a table.
type tableFaults struct {
	first []error
	count int
}

func (t *tableFaults) add(place string, err error) {
	const most = 5
	if t.count++; t.count <= most {
		t.first = append(t.first, fmt.Errorf("%s: %w", place, err))
	}
}

func (t *tableFaults) late(names []string) {
	if len(names) > 0 {
		t.add("it", fmt.Errorf("it stands behind %d pictures that it describes, such as %s, which went without it: put it first, or send zip", len(names), quoted(names[0])))
	}
}

func (t *tableFaults) err() error {
	err := fmt.Errorf("of this table of metadata: %w", errors.Join(t.first...))
	if more := t.count - len(t.first); more > 0 {
		err = fmt.Errorf("%w; and %d more", err, more)
	}
	return err
}

// fromTables adds what tables say of a picture. What stands beside it says more, and so
// does the table of the nearest folder.
func (c *collector) fromTables(entry *Entry) {
	metadata, own := map[string]any{}, entry.Captions
	found, depth := false, -1
	for _, t := range c.tables {
		about, there, err := t.About(t.of(entry.ID))
		if err != nil {
			entry.Warnings = append(entry.Warnings, fmt.Errorf("%s: %w", quoted(t.name), err))
		}
		if !there {
			continue
		}
		found = true
		nearer := len(t.folder) > depth
		for name, value := range about.Metadata {
			if _, known := metadata[name]; !known || nearer {
				metadata[name] = value
			}
		}
		if len(own) == 0 && len(about.Captions) > 0 && (nearer || len(entry.Captions) == 0) {
			entry.Captions = about.Captions
		}
		depth = max(depth, len(t.folder))
	}
	if !found || entry.Problem != nil {
		return
	}
	maps.Copy(metadata, entry.Metadata)
	entry.Metadata = metadata
}

// tellUnmatched tells of rows of tables whose pictures the archive does not have.
func (c *collector) tellUnmatched() error {
	for _, t := range c.tables {
		names := t.Unmatched()
		if len(names) == 0 {
			continue
		}
		problem := fmt.Errorf("%d rows of this table of metadata name pictures that the archive does not have, such as %s", len(names), quoted(names[0]))
		if err := c.emit(Entry{ID: t.name, Problem: problem}); err != nil {
			return err
		}
	}
	return nil
}
