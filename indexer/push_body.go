package indexer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"

	"github.com/google/uuid"

	"polylens/indexer/catalog"
)

const (
	pushLanes  = 8
	chunkItems = 512
	chunkBytes = 32 << 20
	// maxLine is the most bytes of a line: a picture of 32 MiB in base64, and what is said
	// about it.
	maxLine   = 44 << 20
	mostItems = 20_000_000
)

// ErrNoLines is for a push that brings nothing. It is catalog.ErrInvalid, too.
var ErrNoLines = fmt.Errorf("the body is %w: it holds no line", catalog.ErrInvalid)

// Receive reads the lines of a push to its end, in constant memory, and queues a job that
// does what they say. Empty lines do not count. A line that is not JSON is an item that
// fails, and so is one that is too long. ErrNoLines when there is none.
func (p *Pushes) Receive(ctx context.Context, collection string, body io.Reader) (catalog.Job, error) {
	return p.receive(ctx, collection, func(cut *cutter) error { return cut.all(body) })
}

// receive cuts what fill gives and queues a job for it.
func (p *Pushes) receive(ctx context.Context, collection string, fill func(*cutter) error) (catalog.Job, error) {
	if err := catalog.ValidateCollectionName(collection); err != nil {
		return catalog.Job{}, err
	}
	name, err := newPushName()
	if err != nil {
		return catalog.Job{}, err
	}
	found, err := p.cut(ctx, &cutter{pushes: p, collection: collection, push: name, name: name, layout: p.options.Layout}, fill)
	if err != nil {
		return catalog.Job{}, err
	}
	if err := p.keepManifest(ctx, name, found); err != nil {
		return catalog.Job{}, err
	}
	// Should this fail, nobody knows whether the job is there: its chunks stay until they
	// are collected.
	return p.order(ctx, collection, PushParams{Push: name})
}

func newPushName() (string, error) {
	id, err := uuid.NewV7()
	return id.String(), err
}

// cut makes chunks of what fill gives. What is not complete is not kept.
func (p *Pushes) cut(ctx context.Context, cut *cutter, fill func(*cutter) error) (manifest, error) {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	cut.ctx = inner
	err := fill(cut)
	p.discard(ctx, archiveName(cut.name)) // if there was one
	if err == nil {
		err = cut.closeAll()
	}
	if err == nil && cut.items == 0 {
		err = ErrNoLines
	}
	if err != nil {
		cancel()
		cut.discard()
		return manifest{}, err
	}
	return manifest{cut.chunks, cut.others}, nil
}

// cutter cuts a body into chunks.
type cutter struct {
	ctx        context.Context
	pushes     *Pushes
	collection string
	push       string
	name       string // of the folder of the chunks, within those of pushes
	layout     Layout
	used       map[string]bool // IDs of uploads that lines name
	others     map[string]int  // see manifest
	items      int64
	chunks     []catalog.Chunk // that are complete
	count      int             // chunks that were begun
	lanes      [pushLanes]*openChunk
}

// openChunk is a chunk that is being written.
type openChunk struct {
	catalog.Chunk
	file  io.WriteCloser
	bytes int
}

func (c *cutter) all(body io.Reader) error {
	lines := bufio.NewReaderSize(body, 1<<16)
	for {
		text, err := readLine(lines)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(text) == 0 {
			continue
		}
		if err := c.add(text); err != nil {
			return err
		}
	}
}

// readLine reads a line without its end. Of one that is too long it gives the beginning,
// which is no JSON.
func readLine(lines *bufio.Reader) ([]byte, error) {
	var text []byte
	for {
		part, err := lines.ReadSlice('\n')
		if len(text) <= maxLine {
			text = append(text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(text) > 0:
			return trimLine(text), nil
		case err != nil:
			return nil, err
		}
		return trimLine(text), nil
	}
}

func trimLine(text []byte) []byte {
	if len(text) > maxLine {
		return text[:1<<10]
	}
	for len(text) > 0 && (text[len(text)-1] == '\n' || text[len(text)-1] == '\r' || text[len(text)-1] == ' ') {
		text = text[:len(text)-1]
	}
	return text
}

func (c *cutter) add(text []byte) error {
	if c.items == mostItems {
		return fmt.Errorf("the body is %w: it has more than %d lines; send several", catalog.ErrInvalid, int64(mostItems))
	}
	c.items++
	lane, upload := laneOf(text, c.items)
	if err := c.use(upload); err != nil {
		return err
	}
	open, err := c.open(lane)
	if err != nil {
		return err
	}
	n, err := fmt.Fprintf(open.file, "%d %s\n", c.items, text)
	if err != nil {
		return err
	}
	open.bytes += n
	open.Items++
	open.Last = c.items
	if open.First == 0 {
		open.First = c.items
	}
	if open.Items < chunkItems && open.bytes < chunkBytes {
		return nil
	}
	return c.close(lane)
}

// laneOf is the same for all lines with one identity. Those without one may go anywhere.
// upload is the ID of the upload that a line names, if it does.
func laneOf(text []byte, number int64) (lane int, upload string) {
	var of struct {
		ID     string `json:"id"`
		Upload string `json:"upload"`
	}
	if json.Unmarshal(bytes.TrimPrefix(text, []byte{refused}), &of) != nil || of.ID == "" {
		return int(number % pushLanes), of.Upload
	}
	hash := fnv.New32a()
	hash.Write([]byte(of.ID))
	return int(hash.Sum32() % pushLanes), of.Upload
}

func (c *cutter) open(lane int) (*openChunk, error) {
	if open := c.lanes[lane]; open != nil {
		return open, nil
	}
	if err := c.pushes.documents.indexer.options.Room(); err != nil {
		return nil, err
	}
	chunk := catalog.Chunk{Number: c.count, Lane: lane, Content: chunkName(c.name, c.count)}
	file, err := c.pushes.blobs.Create(c.ctx, chunk.Content)
	if err != nil {
		return nil, err
	}
	c.count++
	c.lanes[lane] = &openChunk{Chunk: chunk, file: file}
	return c.lanes[lane], nil
}

func (c *cutter) close(lane int) error {
	open := c.lanes[lane]
	c.lanes[lane] = nil
	if err := open.file.Close(); err != nil {
		return fmt.Errorf("keep the lines of a push: %w", err)
	}
	c.chunks = append(c.chunks, open.Chunk)
	return nil
}

func (c *cutter) closeAll() error {
	for lane, open := range c.lanes {
		if open == nil {
			continue
		}
		if err := c.close(lane); err != nil {
			return err
		}
	}
	return nil
}

// discard removes what was written; ctx has ended.
func (c *cutter) discard() {
	for _, open := range c.lanes {
		if open != nil {
			_ = open.file.Close() // does not keep it
		}
	}
	for _, chunk := range c.chunks {
		c.pushes.discard(c.ctx, chunk.Content)
	}
}
