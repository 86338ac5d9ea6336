package indexer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/indexer/metadata/table"
)

// parquetMagic begins Parquet files.
const parquetMagic = "PAR1"

func isParquet(head []byte) bool { return bytes.HasPrefix(head, []byte(parquetMagic)) }

// parquet adds the pictures of a Parquet file, each with the other fields of its row. One
// file at a time is read in a process: the pages of a row group are in memory.
func (c *cutter) parquet(content *blob.Window) error {
	if err := c.pushes.parquets.Acquire(c.ctx, 1); err != nil {
		return err
	}
	defer c.pushes.parquets.Release(1)
	size, err := content.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	err = table.ReadPictures(c.ctx, &lockedAt{at: content}, size, c.row)
	if err == nil || c.ctx.Err() != nil {
		return err
	}
	return ofArchive(err)
}

// lockedAt lets many goroutines read.
type lockedAt struct {
	mu sync.Mutex
	at io.ReaderAt
}

// ReadAt implements io.ReaderAt.
func (l *lockedAt) ReadAt(into []byte, offset int64) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at.ReadAt(into, offset)
}

// row adds the picture of a row.
func (c *cutter) row(row table.Row) error {
	text, err := lineOfRow(row)
	if err == nil {
		err = c.add(text)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errOurs, err)
	}
	return nil
}

// lineOfRow is a row as a client would have sent it.
func lineOfRow(row table.Row) ([]byte, error) {
	name := pictureColumn(row.Pictures)
	if name == "" {
		why := "it has no picture: that is a binary column image, or an object with bytes"
		if row.Fields == nil {
			why = strings.Join(row.Lost, "; ")
		}
		return refusal("", fmt.Sprintf("row %d: %s", row.Number, why))
	}
	lost := row.Lost
	for _, other := range slices.Sorted(maps.Keys(row.Pictures)) {
		if other != name {
			lost = append(lost, fmt.Sprintf("its field %q is a picture, too, and is left out", other))
		}
	}
	id := idOfRow(row.Fields)
	if id != "" && catalog.ValidateItemID(id) != nil {
		return refusal(cleanReason(id), fmt.Sprintf("row %d: its id has more than 512 bytes, or control characters", row.Number))
	}
	return json.Marshal(Line{ // without an ID it is the picture's SHA-256
		LineWords: LineWords{Operation: catalog.OperationUpsert, ID: id, Note: cleanReason(strings.Join(lost, "; "))},
		Data:      row.Pictures[name], Metadata: row.Fields,
	})
}

func refusal(id, detail string) ([]byte, error) {
	text, err := json.Marshal(refusedLine{id, cleanReason(detail)})
	return append([]byte{refused}, text...), err
}

// pictureColumn is the column whose picture is taken, "" for none.
func pictureColumn(pictures map[string][]byte) string {
	if _, there := pictures["image"]; there {
		return "image"
	}
	for _, name := range slices.Sorted(maps.Keys(pictures)) {
		return name
	}
	return ""
}

// idOfRow is what a row says to be called: in its column id, or else in file_name. Paths of
// pictures within Parquet are names without folders, which many share.
func idOfRow(fields map[string]any) string {
	for _, name := range []string{"id", "file_name"} {
		switch value := fields[name].(type) {
		case string:
			if value != "" {
				return value
			}
		case float64, int64:
			text, err := json.Marshal(value)
			if err == nil {
				return string(text)
			}
		}
	}
	return ""
}
