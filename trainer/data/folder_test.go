package data

import (
	"maps"
	"testing"

	"polylens/indexer/source"
)

// TestRecordsOfFolder: what is said of a picture stays in one record with its
// captions, and each value of a list is a record of its own.
func TestRecordsOfFolder(t *testing.T) {
	captions := []source.Caption{{Language: "en", Text: "a fox"}, {Language: "de", Text: "ein Fuchs"}}
	for name, test := range map[string]struct {
		item source.Sidecar
		want []map[string]string
		said int // captions of the first record
	}{
		"nothing":        {source.Sidecar{Metadata: map[string]any{"other": "x"}}, nil, 0},
		"captions":       {source.Sidecar{Captions: captions}, []map[string]string{nil}, 1},
		"captions, box":  {source.Sidecar{Captions: captions, Metadata: map[string]any{"box": "0 0 1 1"}}, []map[string]string{{"box": "0 0 1 1"}}, 1},
		"a label":        {source.Sidecar{Metadata: map[string]any{"tags": "fox"}}, []map[string]string{{"tags": "fox"}}, 0},
		"list of labels": {source.Sidecar{Captions: captions, Metadata: map[string]any{"tags": []any{"fox", "red"}}}, []map[string]string{nil, {"tags": "fox"}, {"tags": "red"}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			records := Folder{Attributes: []string{"box", "tags"}, Languages: []string{"de"}}.records(source.Item{URI: "fox.png", Sidecar: test.item})
			if len(records) != len(test.want) {
				t.Fatalf("%d records, want %d: %+v", len(records), len(test.want), records)
			}
			for i, record := range records {
				if !maps.Equal(record.Attributes, test.want[i]) || record.Picture.URI != "fox.png" {
					t.Errorf("record %d: %+v, want attributes %v", i, record, test.want[i])
				}
			}
			if len(records) > 0 && len(records[0].Captions) != test.said {
				t.Errorf("captions %v, want %d", records[0].Captions, test.said)
			}
		})
	}
}
