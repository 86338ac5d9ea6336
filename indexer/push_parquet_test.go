package indexer

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/parquet-go/parquet-go"

	"polylens/indexer/catalog"
	"polylens/indexer/upload"
)

// imageOf is a picture as Hugging Face keeps it in Parquet.
type imageOf struct {
	Bytes []byte `parquet:"bytes,optional"`
	Path  string `parquet:"path,optional"`
}

type rowOf struct {
	Image   *imageOf `parquet:"image,optional"`
	ID      string   `parquet:"id,optional"`
	Label   int32    `parquet:"label"`
	Caption string   `parquet:"caption,optional"`
}

// parquetOf writes rows in groups of three.
func parquetOf(t *testing.T, rows ...rowOf) []byte {
	t.Helper()
	var file bytes.Buffer
	w := parquet.NewGenericWriter[rowOf](&file, parquet.MaxRowsPerRowGroup(3), parquet.Compression(&parquet.Snappy),
		parquet.KeyValueMetadata("huggingface", `{"info":{"features":{"label":{"_type":"ClassLabel","names":["cat","dog"]}}}}`))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// TestParquetIsPushed: each row with a picture is an image, whether the file is a body or an
// upload.
func TestParquetIsPushed(t *testing.T) {
	var rows []rowOf
	for i := range 10 {
		rows = append(rows, rowOf{Image: &imageOf{picture(i), "same.png"}, ID: fmt.Sprintf("row %d", i), Label: int32(i % 2), Caption: fmt.Sprintf("number %d", i)})
	}
	rows[3].ID, rows[4].Image, rows[5].Image = "", nil, &imageOf{[]byte("no picture"), ""}
	rows[6].ID = "control\n"
	data := parquetOf(t, rows...)
	for name, order := range map[string]func(p *pushBench) (catalog.Job, error){
		"body": func(p *pushBench) (catalog.Job, error) {
			return p.pushes.ReceiveArchive(t.Context(), "c", bytes.NewReader(data))
		},
		"upload": func(p *pushBench) (catalog.Job, error) {
			return p.pushes.ReceiveFrom(t.Context(), "c", PushSource{Upload: p.upload(t, data, 0)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPushBench(t)
			p.withUploads(upload.Limits{})
			job, err := order(p)
			if err != nil {
				t.Fatal(err)
			}
			if counts := p.counts(t, job.ID, catalog.JobSucceeded); counts != (catalog.PushCounts{Total: 10, Created: 7, Failed: 3}) {
				items, err := p.pushes.Items(t.Context(), job.ID, catalog.ItemFilter{Limit: 100})
				t.Fatalf("%+v, %+v, %v", counts, items, err)
			}
			p.wantMirror(t)
			image, err := p.store.Image(t.Context(), "c", "row 1")
			if err != nil || image.Metadata["label"] != "dog" || len(image.Captions) != 1 || image.Captions[0].Text != "number 1" {
				t.Errorf("%+v, %v", image, err)
			}
			if image, err = p.store.Image(t.Context(), "c", image.SHA256); err == nil {
				t.Errorf("an image with an id is found by its content: %+v", image)
			}
		})
	}
	p := newPushBench(t)
	if _, err := p.pushes.ReceiveArchive(t.Context(), "c", bytes.NewReader(data[:len(data)-20])); err == nil {
		t.Error("half a file is taken")
	}
}
