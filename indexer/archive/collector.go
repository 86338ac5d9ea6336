package archive

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
)

// member is one member of an archive.
type member struct {
	name    string // UTF-8
	size    int64  // as the archive has it
	folder  bool   // or nothing at all
	problem error  // why it cannot be read
	content func() (io.ReadCloser, error)
	apart   bool // the others can be read if this one is damaged
}

// collector makes entries of members.
type collector struct {
	meter      *meter
	limits     Limits
	visit      func(Entry) error
	seen       map[[16]byte]struct{} // hashes of the IDs of pictures
	summary    Summary
	members    int
	last       string
	group      group
	tables     []tableOf
	tableBytes int64
	stopped    error // by visit
}

// member takes the next one. An error ends the reading.
func (c *collector) member(m member) error {
	if err := c.meter.ctx.Err(); err != nil {
		return err
	}
	if c.members++; c.members > c.limits.MaxEntries {
		return fmt.Errorf("it has more than %d members: %w; split it", c.limits.MaxEntries, ErrLimit)
	}
	c.last = m.name
	if m.folder {
		return nil
	}
	name, err := cleanName(m.name)
	if err != nil {
		return c.aside(name, err)
	}
	switch k := kindOf(name); k {
	case pictureKind:
		return c.picture(name, m)
	case jsonKind, textKind:
		return c.description(name, k, m)
	case tableKind:
		return c.table(name, m)
	case nestedKind:
		return c.aside(name, errors.New("an archive within an archive is not opened: send it by itself"))
	}
	c.other(name)
	return nil
}

// aside tells of a member that belongs to no picture, in the order of the archive: not
// before the picture whose descriptions may still follow.
func (c *collector) aside(name string, problem error) error {
	const most = 64
	c.group.aside = append(c.group.aside, Entry{ID: name, Problem: problem})
	if c.group.picture == nil && c.group.descriptions == nil || len(c.group.aside) >= most {
		return c.finish()
	}
	return nil
}

// other counts what is no concern of ours.
func (c *collector) other(name string) {
	const most = 50
	end := path.Ext(path.Base(name))
	if kindOf(name) == systemKind {
		end = "of a system"
	}
	if _, ok := c.summary.Others[end]; !ok && len(c.summary.Others) >= most || len(end) > 20 {
		end = "…"
	}
	c.summary.Others[end]++
}

func (c *collector) picture(name string, m member) error {
	if c.group.picture != nil || !c.group.mayDescribe(stemOf(name)) {
		if err := c.finish(); err != nil {
			return err
		}
	}
	entry := Entry{ID: name, Problem: m.problem}
	c.group.picture, c.group.stem = &entry, stemOf(name)
	key := [16]byte(sha256Of(name))
	if _, twice := c.seen[key]; twice && entry.Problem == nil {
		entry.Problem = errors.New("an earlier member has the same name, and was taken: give each its own")
	}
	if entry.Problem == nil {
		var err error
		if entry.Data, entry.Problem, err = c.content(m, c.limits.MaxBytes); err != nil {
			return err
		}
		if entry.Problem == nil && len(entry.Data) == 0 {
			entry.Problem = errors.New("it has no bytes")
		}
	}
	if entry.Problem == nil {
		c.seen[key] = struct{}{}
	}
	return nil
}

func sha256Of(name string) []byte {
	sum := sha256.Sum256([]byte(name))
	return sum[:16]
}

func (c *collector) description(name string, k kind, m member) error {
	list := aboutOf(name, k)
	if !c.group.takes(list) {
		if err := c.finish(); err != nil {
			return err
		}
	}
	d := description{name: name, kind: k, about: list, problem: m.problem}
	if d.problem == nil {
		var err error
		if d.data, d.problem, err = c.content(m, c.limits.MaxDescription); err != nil {
			return err
		}
	}
	c.group.add(d)
	return nil
}

// content reads a member. What is wrong with it alone is a problem, all else an error.
func (c *collector) content(m member, most int64) (data []byte, problem, err error) {
	if m.size > most {
		return nil, tooLarge(most), nil
	}
	content, err := m.content()
	if err == nil {
		defer content.Close()
		data, err = readMost(content, m.size, most)
	}
	switch {
	case err == nil && int64(len(data)) > most:
		return nil, tooLarge(most), nil
	case err != nil && m.apart && !errors.Is(err, ErrLimit) && c.meter.ctx.Err() == nil:
		return nil, fmt.Errorf("it cannot be unpacked: %w", err), nil
	}
	return data, nil, err
}

func tooLarge(most int64) error {
	return fmt.Errorf("it has more than %d bytes: %w", most, ErrLimit)
}

// readMost reads up to one byte more than it may have. What is said of its size is not
// believed beyond the first mebibyte.
func readMost(r io.Reader, said, most int64) ([]byte, error) {
	const believed = 1 << 20
	buffer := bytes.NewBuffer(make([]byte, 0, min(said, believed)+bytes.MinRead))
	_, err := buffer.ReadFrom(io.LimitReader(r, most+1))
	return buffer.Bytes(), err
}

// finish visits the picture that was met last, now that all that describes it has been.
func (c *collector) finish() error {
	done := c.group
	c.group = group{}
	for _, entry := range done.entries() {
		if err := c.emit(entry); err != nil {
			return err
		}
	}
	return nil
}

// end is how reading ends. What was met last may not be whole if that is an error.
func (c *collector) end(err error) error {
	switch {
	case c.stopped != nil:
		return c.stopped
	case c.meter.ctx.Err() != nil:
		return c.meter.ctx.Err()
	case err != nil && c.group.picture != nil:
		c.group.picture.Problem = fmt.Errorf("the reading ends within it, or before all that describes it: %w", err)
	}
	if failed := c.finish(); failed != nil || err != nil {
		return cmp.Or(failed, err)
	}
	return c.tellUnmatched()
}

func (c *collector) emit(entry Entry) error {
	c.fromTables(&entry)
	if entry.Problem != nil {
		entry.Data, entry.Metadata, entry.Captions = nil, nil, nil
		c.summary.Problems++
	} else {
		c.summary.Pictures++
	}
	if c.stopped = c.visit(entry); c.stopped != nil {
		return c.stopped
	}
	return nil
}

// group is a picture and what describes it, in any order.
type group struct {
	picture      *Entry
	stem         string // of the picture
	descriptions []description
	bytes        int // of descriptions
	left         int // descriptions, beyond those that are taken
	aside        []Entry
}

// description is a member that describes a picture.
type description struct {
	name    string
	kind    kind
	about   []about
	data    []byte
	problem error
}

// mayDescribe reports whether all that was met may be about a picture.
func (g *group) mayDescribe(stem string) bool {
	return !slices.ContainsFunc(g.descriptions, func(d description) bool { return !d.isAbout(stem) })
}

func (d *description) isAbout(stem string) bool {
	return slices.ContainsFunc(d.about, func(a about) bool { return a.stem == stem })
}

// takes reports whether a description may be about the same picture as all the others.
func (g *group) takes(list []about) bool {
	if g.picture != nil {
		return slices.ContainsFunc(list, func(a about) bool { return a.stem == g.stem })
	}
	return slices.ContainsFunc(list, func(a about) bool { return g.mayDescribe(a.stem) })
}

func (g *group) add(d description) {
	const most, mostBytes = 256, 4 << 20
	if len(g.descriptions) >= most || g.bytes+len(d.data) > mostBytes {
		g.left++
		return
	}
	g.bytes += len(d.data)
	g.descriptions = append(g.descriptions, d)
}

// entries are what a group comes to.
func (g *group) entries() []Entry {
	if g.picture != nil {
		return append([]Entry{g.entry()}, g.aside...)
	}
	var entries []Entry
	for _, d := range g.descriptions {
		entries = append(entries, Entry{ID: d.name, Problem: errors.New("it describes a picture that does not stand beside it: archive both, one after the other")})
	}
	if g.left > 0 {
		last := &entries[len(entries)-1]
		last.Problem = fmt.Errorf("%w; so do %d more", last.Problem, g.left)
	}
	return append(entries, g.aside...)
}

// entry is the picture with all that describes it.
func (g *group) entry() Entry {
	entry := *g.picture
	for _, d := range g.descriptions {
		for _, err := range d.describe(&entry, g.stem) {
			entry.Warnings = append(entry.Warnings, fmt.Errorf("%s: %w", quoted(path.Base(d.name)), err))
		}
	}
	if g.left > 0 {
		entry.Warnings = append(entry.Warnings, fmt.Errorf("%d more members describe it, and are not read", g.left))
	}
	return entry
}
