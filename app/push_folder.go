package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/indexer/source"
	"polylens/web/client"
)

// pushFolder sends the pictures of a folder to a server elsewhere.
func (c *indexCommand) pushFolder(ctx context.Context, p *program, folder string) error {
	if c.Patches != 0 || c.Rehash || c.Confirm || c.Share != nil || c.Retry || c.Metadata != "" {
		return usageError{errors.New("with --server, folders know no options but --collection, --layout, --dry-run, --json and what to look at; the others are for folders of the server")}
	}
	directory, err := source.NewDirectoryWith(folder, source.Rules(c.rules()))
	if err != nil {
		return usageError{err}
	}
	api, err := p.elsewhere()
	if err != nil {
		return err
	}
	if c.DryRun {
		api = api.DryRun()
	}
	reader, writer := io.Pipe()
	sender := &folderSender{api: api, collection: c.Collection, folder: directory, most: p.globals.MaxBytes, layout: c.Layout, to: json.NewEncoder(writer), tell: p.terminal.err}
	go func() { writer.CloseWithError(sender.all(ctx)) }()
	job, err := api.Push(ctx, c.Collection, reader, client.Lines, "")
	_ = reader.CloseWithError(err) // ends the walk
	if err != nil {
		return err
	}
	return c.follow(ctx, p, api, job)
}

// sendBatch is how many pictures a server is asked about at once.
const sendBatch = 64

// folderSender writes a line for each picture of a folder.
type folderSender struct {
	api        *client.Client
	collection string
	folder     *source.Directory
	most       int64  // bytes of a picture
	layout     string // see --layout
	to         *json.Encoder
	tell       io.Writer
	batch      []sentItem
}

// sentItem is a picture that the server may have already.
type sentItem struct {
	source.Item
	sha256 string
}

func (s *folderSender) all(ctx context.Context) error {
	err := s.folder.Walk(ctx, source.Visitor{
		Item: func(item source.Item) error {
			sum, err := s.sum(ctx, item)
			if err != nil {
				s.skip(item.URI, err)
				return nil
			}
			if s.batch = append(s.batch, sentItem{item, sum}); len(s.batch) < sendBatch {
				return nil
			}
			return s.flush(ctx)
		},
		Problem: func(problem source.Problem) { s.skip(problem.URI, problem.Err) },
	})
	if err != nil {
		return err
	}
	return s.flush(ctx)
}

// skip names what is not sent.
func (s *folderSender) skip(uri string, err error) {
	fmt.Fprintf(s.tell, "skipped %s: %v\n", placeWords(uri), err)
}

// read returns the file of a picture.
func (s *folderSender) read(ctx context.Context, item source.Item) ([]byte, error) {
	file, err := source.Open(ctx, s.folder.Name(), item.URI)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return file.ReadAll(s.most)
}

func (s *folderSender) sum(ctx context.Context, item source.Item) (string, error) {
	data, err := s.read(ctx, item)
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), err
}

// flush writes the lines of a batch.
func (s *folderSender) flush(ctx context.Context) error {
	if len(s.batch) == 0 {
		return nil
	}
	known, err := s.known(ctx)
	if err != nil {
		return err
	}
	for _, item := range s.batch {
		line := upsertOf(s.folder.Name(), item.Item, s.layout)
		if known[item.sha256] {
			line.SHA256 = item.sha256
		} else if line.Data, err = s.read(ctx, item.Item); err != nil {
			s.skip(item.URI, err)
			continue
		}
		if err := s.to.Encode(line); err != nil {
			return err
		}
	}
	s.batch = s.batch[:0]
	return nil
}

// known asks which pictures need not be sent. A collection that does not exist has none.
func (s *folderSender) known(ctx context.Context) (map[string]bool, error) {
	sums := make([]string, len(s.batch))
	for i, item := range s.batch {
		sums[i] = item.sha256
	}
	found, err := s.api.Known(ctx, s.collection, sums)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, nil
	}
	known := make(map[string]bool, len(found))
	for _, sum := range found {
		known[sum] = true
	}
	return known, err
}

// upsertOf says of a picture of a folder what an upsert says, but for the picture.
func upsertOf(folder string, item source.Item, layout string) indexer.Line {
	id := strings.TrimPrefix(item.URI, folder+"/")
	if plain, err := url.PathUnescape(id); err == nil {
		id = plain
	}
	metadata := item.Metadata
	if layout == string(indexer.ImageFolder) {
		metadata = indexer.WithLabel(metadata, id)
	}
	return indexer.Line{
		LineWords: indexer.LineWords{Operation: catalog.OperationUpsert, ID: id},
		Metadata:  metadata, Captions: indexer.CaptionsOf(item.Captions),
	}
}
