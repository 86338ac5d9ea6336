package indexer

import (
	"bufio"
	"context"
	"errors"
	"io"

	"polylens/indexer/catalog"
	"polylens/indexer/decode"
	"polylens/indexer/source"
)

// planPush looks at the lines of a push.
func (p *Pushes) planPush(ctx context.Context, plans *planner, params PushParams) error {
	if err := p.prepare(ctx, plans.name, params, false); err != nil {
		return err
	}
	found, err := p.readManifest(ctx, params.Push)
	if err != nil {
		return err
	}
	for _, chunk := range found.Chunks {
		if err := p.planChunk(ctx, plans, chunk); err != nil {
			return err
		}
	}
	return p.clear(ctx, params.Push)
}

func (p *Pushes) planChunk(ctx context.Context, plans *planner, chunk catalog.Chunk) error {
	file, err := p.blobs.Open(ctx, chunk.Content)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewReaderSize(file, 1<<16)
	for {
		_, text, err := readNumbered(lines)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = plans.line(ctx, text)
		}
		if err != nil {
			return err
		}
	}
}

// line looks at a line of a push.
func (p *planner) line(ctx context.Context, text []byte) error {
	p.plan.Total++
	p.tell(ctx)
	document, err := parseLine(text)
	if err == nil {
		err = p.document(ctx, document)
	}
	if err != nil && ctx.Err() == nil && isOfItem(err) {
		p.fail(cleanID(document.ID), err)
		return nil
	}
	return err
}

func (p *planner) document(ctx context.Context, document Document) error {
	if document.ID != "" || document.Operation != catalog.OperationUpsert {
		if err := catalog.ValidateItemID(document.ID); err != nil {
			return err
		}
	}
	switch document.Operation {
	case catalog.OperationUpsert:
		return p.upsert(ctx, document)
	case catalog.OperationPatch, catalog.OperationDelete:
		return p.change(ctx, document)
	}
	_, err := p.ready(ctx, document) // which says what is wrong
	return err
}

// note remembers what a line makes of an image.
func (p *planner) note(id string, there bool) {
	if len(p.images) < mostMet {
		p.images[id] = there
	}
}

func (p *planner) upsert(ctx context.Context, document Document) error {
	about, err := parseAbout(document.Metadata, document.Captions)
	if err != nil {
		return err
	}
	content := decode.Content{Name: document.ID}
	isRead := document.URL == "" && document.Key == ""
	if isRead {
		picture, err := p.pushing.picture(ctx, document)
		if err != nil {
			return err
		}
		defer picture.release()
		content = picture.content(document.ID)
	}
	if document.ID == "" && isRead {
		document.ID, content.Name = content.SHA256, content.SHA256
	}
	uri := catalog.PushedURI(document.ID)
	state, exists, err := p.state(ctx, document.ID)
	if err != nil {
		return err
	}
	p.note(document.ID, true)
	if !isRead {
		p.unread(exists)
		return nil
	}
	image := catalog.Image{Source: catalog.PushedSource, URI: uri, Size: int64(len(content.Data))}
	return p.picture(ctx, job{item: source.Item{URI: uri, Size: image.Size, Sidecar: about}, state: state}, image, content, exists)
}

// unread counts an image whose picture is not read for a plan.
func (p *planner) unread(exists bool) {
	if exists {
		p.plan.Unread++
		return
	}
	p.plan.New++
	p.plan.Encode++
}

// state is what is known of an image when its line is done. One that an earlier line makes
// anew has none.
func (p *planner) state(ctx context.Context, id string) (state catalog.State, exists bool, err error) {
	there, isNoted := p.images[id]
	if !p.exists || isNoted && !there {
		return state, there, nil
	}
	key := catalog.ImageID(p.collection, catalog.PushedURI(id))
	states, err := p.store.States(ctx, p.fingerprint, []string{key})
	state, exists = states[key]
	return state, exists || there, err
}

// change looks at a line that changes or deletes an image.
func (p *planner) change(ctx context.Context, document Document) error {
	there, isNoted := p.images[document.ID]
	if isNoted && !there {
		return catalog.ErrImageNotFound
	}
	outcome := catalog.OutcomeUpdated
	if !isNoted {
		ready, err := p.ready(ctx, document)
		if err != nil {
			return err
		}
		outcome = ready.Outcome
	}
	switch {
	case document.Operation == catalog.OperationDelete:
		p.plan.Removed++
		p.note(document.ID, false)
	case outcome == catalog.OutcomeUnchanged:
		p.plan.Unchanged++
	default:
		p.plan.Changed++
	}
	return nil
}
