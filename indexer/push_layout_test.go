package indexer

import (
	"bytes"
	"fmt"
	"testing"

	"polylens/indexer/catalog"
	"polylens/indexer/upload"
)

// TestImageFolder: tables of metadata describe the pictures of an archive, and in an
// imagefolder the folders are labels, whichever way the archive comes.
func TestImageFolder(t *testing.T) {
	members := []string{
		"train/metadata.jsonl", `{"file_name":"cat/1.png","n":1,"text":"a cat"}` + "\n" + `{"file_name":"dog/2.png","label":"hound"}`,
		"train/cat/1.png", string(picture(1)), "train/dog/2.png", string(picture(2)), "train/dog/3.png", string(picture(3)), "top.png", string(picture(4)),
	}
	for layout, labels := range map[Layout][]any{PlainLayout: {nil, "hound", nil, nil}, ImageFolder: {"cat", "hound", "dog", nil}} {
		for name, data := range map[string][]byte{"zip": zipOf(t, members...), "tar": tarOf(t, members...)} {
			p := newPushBench(t)
			p.withUploads(upload.Limits{})
			with := p.pushes.With(PushOptions{Layout: layout})
			fromBody, err := with.ReceiveArchive(t.Context(), "c", bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			fromUpload, err := with.ReceiveFrom(t.Context(), "c", PushSource{Upload: p.upload(t, data, 0)})
			if err != nil {
				t.Fatal(err)
			}
			if counts := p.counts(t, fromBody.ID, catalog.JobSucceeded); counts != (catalog.PushCounts{Total: 4, Created: 4}) {
				t.Errorf("%s: %+v", name, counts)
			}
			if counts := p.counts(t, fromUpload.ID, catalog.JobSucceeded); counts != (catalog.PushCounts{Total: 4, Unchanged: 4}) {
				t.Errorf("%s as an upload: %+v", name, counts)
			}
			for i, id := range []string{"train/cat/1.png", "train/dog/2.png", "train/dog/3.png", "top.png"} {
				image, err := p.store.Image(t.Context(), "c", id)
				if err != nil || image.Metadata["label"] != labels[i] {
					t.Errorf("%s, %q: %s has label %v, want %v (%v)", name, layout, id, image.Metadata["label"], labels[i], err)
				}
				if wanted := fmt.Sprint(image.Metadata["n"], image.Captions); i == 0 && wanted != "1 [{ a cat}]" {
					t.Errorf("%s is described as %s", id, wanted)
				}
			}
		}
	}
}
