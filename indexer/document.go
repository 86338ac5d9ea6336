package indexer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/indexer/decode"
	"polylens/indexer/source"
	"polylens/search"
)

// Document is a picture as a client sends it, or what is to become of one.
type Document struct {
	Operation catalog.Operation
	ID        string // see catalog.ValidateItemID; of an upsert it may be empty: that stands for the SHA-256 of the picture
	// The picture of an upsert is one of these.
	Data   []byte // its file
	SHA256 string // of a picture that the collection has already, hexadecimal
	URL    string // where it is fetched from
	Path   string // of its file on the server, see Places
	Key    string // of its file in a bucket, likewise
	Upload string // ID of an upload that holds it

	Note string // what was said about it and cannot be used; it goes along with the outcome

	// Metadata is a JSON object; of a patch a JSON merge patch (RFC 7396): fields that
	// are null go, and all others stay. nil: none, or no change.
	Metadata json.RawMessage
	// Captions are texts by language, {"de": "…", "en": ["…", "…"]}, or whatever else
	// source.ParseSidecar takes. Of a patch they replace all captions. nil: none, or no
	// change.
	Captions json.RawMessage
}

// Documents adds, changes and deletes pictures that clients send. It works beside runs on
// the same collection.
type Documents struct {
	indexer *Indexer
	blobs   *blob.Store // where their files are kept
	places  Places
}

// NewDocuments keeps the files of pictures in blobs, and finds in places those that are
// only named.
func NewDocuments(indexer *Indexer, blobs *blob.Store, places Places) *Documents {
	return &Documents{indexer, blobs, places}
}

// Apply does one document at once. The image, but of a deletion, is found by searches when
// it returns. A collection that is missing is created for a picture.
//
// catalog.ErrPicture for a picture that cannot be used, catalog.ErrInvalid for an ID,
// metadata or captions that cannot, catalog.ErrImageNotFound for an image to be changed
// or deleted that is not there.
func (d *Documents) Apply(ctx context.Context, collection string, document Document) (catalog.Image, catalog.Outcome, error) {
	work, result, err := d.applied(ctx, collection, document)
	if err == nil {
		work, err = d.mirrored(ctx, work)
	}
	if err != nil {
		return catalog.Image{}, "", err
	}
	if result.Outcome == catalog.OutcomeDeleted {
		return catalog.Image{}, result.Outcome, nil
	}
	image, err := work.store.Image(ctx, work.name, catalog.ImageID(work.collection, catalog.PushedURI(result.ID)))
	return image, result.Outcome, err
}

// mostModels bounds how often the model may be replaced while a document is done.
const mostModels = 4

// applied saves a document, with another model when that takes the place of the first.
func (d *Documents) applied(ctx context.Context, collection string, document Document) (work *pushing, result readied, err error) {
	for range mostModels {
		work, err = d.open(ctx, collection, document.Operation == catalog.OperationUpsert)
		if err != nil {
			return nil, result, err
		}
		if result, err = work.one(ctx, document); !errors.Is(err, ErrReplaced) {
			break
		}
	}
	return work, result, err
}

// mirrored brings what was saved into the index that searches use, whichever that is.
func (d *Documents) mirrored(ctx context.Context, work *pushing) (*pushing, error) {
	for range mostModels {
		err := work.mirrorAll(ctx)
		if !errors.Is(err, ErrReplaced) {
			return work, err
		}
		touched := work.touched
		if work, err = d.open(ctx, work.name, false); err != nil {
			return work, err
		}
		work.touched = touched
	}
	return work, fmt.Errorf("collection %q: %w again and again: try again", work.name, ErrReplaced)
}

// Known returns those of some SHA-256, hexadecimal, of which a collection has a picture
// that was sent: they need not be sent again.
func (d *Documents) Known(ctx context.Context, collection string, sums []string) ([]string, error) {
	found, err := d.indexer.store.UncountedCollection(ctx, collection)
	if err != nil {
		return nil, err
	}
	here, err := d.indexer.store.PushedContents(ctx, found.ID, sums)
	known := make([]string, 0, len(here))
	for _, sum := range sums {
		if _, there := here[sum]; there {
			known = append(known, sum)
			delete(here, sum)
		}
	}
	return known, err
}

// open makes ready what documents of a collection go to.
func (d *Documents) open(ctx context.Context, collection string, create bool) (*pushing, error) {
	work := &pushing{destination: destination{Indexer: d.indexer, name: collection, giving: true}, blobs: d.blobs, places: d.places}
	known, err := d.indexer.store.UncountedCollection(ctx, collection)
	switch {
	case errors.Is(err, catalog.ErrNotFound) && create:
	case err != nil:
		return nil, err
	default:
		if err := work.checkModel(known); err != nil {
			return nil, err
		}
	}
	return work, work.openCollection(ctx)
}

// checkModel is search.ErrModelMismatch when the vectors of a collection are those of
// another model: single images do not bring it over.
func (ix *Indexer) checkModel(known catalog.Collection) error {
	model, err := ix.encoderGiving(known)
	if err != nil {
		return err
	}
	if known.Fingerprint == "" || known.Fingerprint == model.Fingerprint() {
		return nil
	}
	return &search.ModelMismatchError{Collection: known.Name, Indexed: known.Fingerprint, Loaded: model.Fingerprint()}
}

// pushing brings documents into a collection.
type pushing struct {
	destination
	blobs  *blob.Store
	places Places
	chunk  *catalog.Chunk // that they are of; nil: of none
	// explain is that of database.Push; of documents of a chunk.
	explain func(error) (problem, detail string)

	touched []string // IDs of images that the index does not know as they are now
}

// readied is a document of which all is known but the vector.
type readied struct {
	prepared
	catalog.ItemResult       // what it will be
	err                error // why it cannot be; it says something about the document alone
	fetched            *catalog.Fetched
	content            string // SHA-256 of the picture of an upsert
}

// one does a single document.
func (p *pushing) one(ctx context.Context, document Document) (readied, error) {
	ready, err := p.ready(ctx, document)
	if err != nil {
		return ready, err
	}
	items, err := p.itemsOf(ctx, []readied{ready})
	if err != nil {
		return ready, err
	}
	if err := p.save(ctx, items); err != nil {
		return ready, err
	}
	return ready, items[0].Err
}

// ready checks a document, and decodes its picture.
func (p *pushing) ready(ctx context.Context, document Document) (r readied, err error) {
	r.ID, r.Operation, r.Detail = document.ID, document.Operation, document.Note
	var content decode.Content
	if document.Operation == catalog.OperationUpsert {
		picture, err := p.picture(ctx, document)
		if err != nil {
			return r, err
		}
		defer picture.release()
		content, r.fetched = picture.content(document.ID), picture.fetched
		if r.ID == "" {
			r.ID = content.SHA256
		}
	}
	if err := catalog.ValidateItemID(r.ID); err != nil {
		return r, err
	}
	switch document.Operation {
	case catalog.OperationUpsert:
		return r, p.readyUpsert(ctx, document, content, &r)
	case catalog.OperationPatch:
		return r, p.readyPatch(ctx, document, &r)
	case catalog.OperationDelete:
		return r, p.readyDelete(ctx, &r)
	}
	return r, fmt.Errorf("op %.40q is %w: use upsert, patch or delete", document.Operation, catalog.ErrInvalid)
}

func (p *pushing) readyUpsert(ctx context.Context, document Document, content decode.Content, r *readied) error {
	about, err := parseAbout(document.Metadata, document.Captions)
	if err != nil {
		return err
	}
	uri := catalog.PushedURI(r.ID)
	key := catalog.ImageID(p.collection, uri)
	states, err := p.store.States(ctx, p.fingerprint, []string{key})
	if err != nil {
		return err
	}
	state, exists := states[key]
	r.image = catalog.Image{ID: key, Source: catalog.PushedSource, URI: uri, Size: int64(len(content.Data))}
	j := job{item: source.Item{URI: uri, Size: r.image.Size, Sidecar: about}, state: state}
	content.Name = fmt.Sprintf("%.80q", r.ID)
	r.content = content.SHA256
	if r.fetched != nil {
		r.fetched.Image, r.fetched.SHA256 = key, content.SHA256
	}
	if content.Data == nil {
		r.image.Size, err = p.sizeOf(ctx, content.SHA256)
	}
	if err == nil {
		err = p.prepareContent(ctx, j, content, &r.prepared, false)
	}
	var broken *pictureError
	if errors.As(err, &broken) {
		return fmt.Errorf("%w: %s", catalog.ErrPicture, reason(broken.err))
	}
	if err != nil {
		return err
	}
	r.Outcome = catalog.OutcomeCreated
	if exists {
		r.Outcome = catalog.OutcomeUpdated
	}
	if r.unchanged {
		r.Outcome = catalog.OutcomeUnchanged
	}
	if content.Data == nil {
		return nil // known has seen that its thumbnail is there
	}
	return p.keepOriginal(ctx, content)
}

// readyPatch changes what is said about an image.
func (p *pushing) readyPatch(ctx context.Context, document Document, r *readied) error {
	image, err := p.pushed(ctx, r.ID)
	if err != nil {
		return err
	}
	before, err := catalog.Digest(image.SHA256, image.Metadata, image.Captions)
	if err != nil {
		return err
	}
	if err := patch(&image, document); err != nil {
		return err
	}
	after, err := catalog.Digest(image.SHA256, image.Metadata, image.Captions)
	r.image, r.Outcome = image, catalog.OutcomeUpdated
	if before == after {
		r.Outcome = catalog.OutcomeUnchanged
	}
	return err
}

func (p *pushing) readyDelete(ctx context.Context, r *readied) (err error) {
	r.image, err = p.pushed(ctx, r.ID)
	r.Outcome = catalog.OutcomeDeleted
	return err
}

// pushed is an image to be changed. One that was found in a folder is changed there: the
// next run over the folder would undo whatever was done to it here.
func (p *pushing) pushed(ctx context.Context, id string) (catalog.Image, error) {
	image, err := p.store.Image(ctx, p.name, id)
	if err == nil && image.Source != catalog.PushedSource {
		return image, fmt.Errorf("image %.80q was found in a folder: %w; change its file or its sidecar, and index the folder again", id, catalog.ErrConflict)
	}
	return image, err
}

// patch merges a patch into an image.
func patch(image *catalog.Image, document Document) error {
	if document.Metadata != nil {
		var changes map[string]json.RawMessage
		if err := json.Unmarshal(document.Metadata, &changes); err != nil {
			return fmt.Errorf("metadata is %w: it is not a JSON object", catalog.ErrInvalid)
		}
		merged, err := mergePatch(image.Metadata, changes)
		if err != nil {
			return err
		}
		image.Metadata = merged
	}
	if document.Captions != nil {
		about, err := parseAbout(nil, document.Captions)
		if err != nil {
			return err
		}
		image.Captions = CaptionsOf(about.Captions)
	}
	return nil
}

// mergePatch is RFC 7396 for the fields of metadata, which stand beside each other: a
// field that is an object is replaced as a whole.
func mergePatch(fields map[string]any, changes map[string]json.RawMessage) (map[string]any, error) {
	merged := maps.Clone(fields)
	if merged == nil {
		merged = make(map[string]any)
	}
	for name, value := range changes {
		if string(value) == "null" {
			delete(merged, name)
			delete(changes, name)
		}
	}
	text, err := json.Marshal(changes)
	if err != nil {
		return nil, fmt.Errorf("metadata is %w: %w", catalog.ErrInvalid, err)
	}
	about, err := parseAbout(text, nil)
	if err != nil {
		return nil, err
	}
	maps.Copy(merged, about.Metadata)
	text, err = json.Marshal(merged)
	if err == nil && len(text) > source.MaxMetadata {
		err = fmt.Errorf("metadata is %w: it has %d bytes with what was there, at most %d are allowed", catalog.ErrInvalid, len(text), source.MaxMetadata)
	}
	return merged, err
}

// parseAbout reads what a client says about a picture. Other than beside a picture in a
// folder, nothing of it may be unusable.
func parseAbout(about, captions json.RawMessage) (source.Sidecar, error) {
	fields := make(map[string]json.RawMessage)
	if len(about) > 0 {
		if err := json.Unmarshal(about, &fields); err != nil || fields == nil {
			return source.Sidecar{}, fmt.Errorf("metadata is %w: it is not a JSON object", catalog.ErrInvalid)
		}
	}
	if len(captions) > 0 {
		fields["captions"] = captions
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return source.Sidecar{}, fmt.Errorf("metadata is %w: %w", catalog.ErrInvalid, err)
	}
	sidecar, err := source.ParseSidecar(text)
	if err != nil {
		return source.Sidecar{}, fmt.Errorf("metadata or captions are %w: %w", catalog.ErrInvalid, err)
	}
	return sidecar, nil
}

// CaptionsOf are captions that were read, as images have them.
func CaptionsOf(read []source.Caption) []catalog.Caption {
	captions := make([]catalog.Caption, len(read))
	for i, caption := range read {
		captions[i] = catalog.Caption(caption)
	}
	return captions
}
