package indexer

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
)

func newDocuments(t *testing.T, b *bench) *Documents {
	t.Helper()
	blobs, err := blob.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blobs.Close() })
	return NewDocuments(b.Indexer, blobs, Places{MaxBytes: 1 << 20})
}

func upsert(id string, picture []byte, metadata string) Document {
	return Document{Operation: catalog.OperationUpsert, ID: id, Data: picture, Metadata: json.RawMessage(metadata)}
}

// TestApply follows one image from its creation to its end.
func TestApply(t *testing.T) {
	b := newBench(t, Options{})
	documents := newDocuments(t, b)
	steps := []struct {
		name     string
		document Document
		outcome  catalog.Outcome
		metadata string
		captions string
		batches  int // that the model has encoded by then
	}{
		{"new", upsert("a/1", picture(1), `{"price": 3, "tags": ["x"]}`), catalog.OutcomeCreated, `{"price":3,"tags":["x"]}`, `[]`, 1},
		{"the same again", upsert("a/1", picture(1), `{"price": 3, "tags": ["x"]}`), catalog.OutcomeUnchanged, `{"price":3,"tags":["x"]}`, `[]`, 1},
		{"other words", upsert("a/1", picture(1), `{"price": 4}`), catalog.OutcomeUpdated, `{"price":4}`, `[]`, 1},
		{"patch", Document{Operation: catalog.OperationPatch, ID: "a/1", Metadata: json.RawMessage(`{"price": null, "shop": "Kiel"}`),
			Captions: json.RawMessage(`{"de": "Ein Fisch"}`)}, catalog.OutcomeUpdated, `{"shop":"Kiel"}`, `[{"language":"de","text":"Ein Fisch"}]`, 1},
		{"the same patch", Document{Operation: catalog.OperationPatch, ID: "a/1", Metadata: json.RawMessage(`{"shop": "Kiel"}`)},
			catalog.OutcomeUnchanged, `{"shop":"Kiel"}`, `[{"language":"de","text":"Ein Fisch"}]`, 1},
		{"another picture", upsert("a/1", picture(2), ``), catalog.OutcomeUpdated, `{}`, `[]`, 2},
	}
	for _, step := range steps {
		image, outcome, err := documents.Apply(t.Context(), "c", step.document)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		metadata, _ := catalog.MarshalMetadata(image.Metadata)
		captions, _ := json.Marshal(image.Captions)
		if outcome != step.outcome || metadata != step.metadata || string(captions) != step.captions || image.PublicID() != "a/1" {
			t.Errorf("%s: %s, %q with metadata %s and captions %s", step.name, outcome, image.PublicID(), metadata, captions)
		}
		if len(b.encoder.batches) != step.batches {
			t.Errorf("%s: the model has encoded %d batches, want %d", step.name, len(b.encoder.batches), step.batches)
		}
		b.wantMirror(t)
	}
	if _, outcome, err := documents.Apply(t.Context(), "c", Document{Operation: catalog.OperationDelete, ID: "a/1"}); err != nil || outcome != catalog.OutcomeDeleted {
		t.Errorf("delete: %s, %v", outcome, err)
	}
	b.wantMirror(t)
	if rows := len(b.index.rows["c/f1"]); rows != 0 {
		t.Errorf("the index holds %d rows after the deletion", rows)
	}
}

// TestApplyRefused: what cannot be used changes nothing, and says why.
func TestApplyRefused(t *testing.T) {
	b := newBench(t, Options{})
	documents := newDocuments(t, b)
	if _, _, err := documents.Apply(t.Context(), "c", upsert("kept", picture(1), `{"a": 1}`)); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		document Document
		want     error
	}{
		"no picture":        {upsert("x", []byte("no picture"), ``), catalog.ErrPicture},
		"empty":             {upsert("x", nil, ``), catalog.ErrPicture},
		"metadata list":     {upsert("x", picture(1), `[1]`), catalog.ErrInvalid},
		"metadata null":     {upsert("x", picture(1), `null`), catalog.ErrInvalid},
		"tags of numbers":   {upsert("x", picture(1), `{"tags": [1]}`), catalog.ErrInvalid},
		"zero in the text":  {upsert("x", picture(1), `{"a": "\u0000"}`), catalog.ErrInvalid},
		"too much metadata": {upsert("x", picture(1), fmt.Sprintf(`{"a": "%070000d"}`, 1)), catalog.ErrInvalid},
		"control in id":     {upsert("a\nb", picture(1), ``), catalog.ErrInvalid},
		"long id":           {upsert(fmt.Sprintf("%0513d", 1), picture(1), ``), catalog.ErrInvalid},
		"unknown operation": {Document{Operation: "move", ID: "kept"}, catalog.ErrInvalid},
		"patch of nothing":  {Document{Operation: catalog.OperationPatch, ID: "other"}, catalog.ErrImageNotFound},
		"delete of nothing": {Document{Operation: catalog.OperationDelete, ID: "other"}, catalog.ErrImageNotFound},
		"patch too long": {Document{Operation: catalog.OperationPatch, ID: "kept", Metadata: json.RawMessage(fmt.Sprintf(`{"b": "%059990d"}`, 1))},
			catalog.ErrInvalid},
	} {
		if _, _, err := documents.Apply(t.Context(), "c", test.document); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
	collection, err := b.store.Collection(t.Context(), "c")
	if err != nil || collection.Images != 1 {
		t.Errorf("the collection holds %d images (%v), want 1", collection.Images, err)
	}
	b.wantMirror(t)
}

// TestDocumentsOfFolders: an image that was found in a folder is changed there.
func TestDocumentsOfFolders(t *testing.T) {
	b := newBench(t, Options{})
	fill(t, b, 1)
	b.run(t)
	documents := newDocuments(t, b)
	id := b.image(t, "000.png").ID
	for _, operation := range []catalog.Operation{catalog.OperationPatch, catalog.OperationDelete} {
		_, _, err := documents.Apply(t.Context(), "c", Document{Operation: operation, ID: id, Metadata: json.RawMessage(`{"a": 1}`)})
		if !errors.Is(err, catalog.ErrConflict) {
			t.Errorf("%s: got %v", operation, err)
		}
	}
	b.wantMirror(t)
}
