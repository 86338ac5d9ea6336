package database

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"polylens/indexer/catalog"
	"polylens/indexer/metadata"
)

// MetadataWith returns the metadata of up to limit images of a collection that have
// every one of keys in it, in whatever order and depth; all is true if there are no
// others. It reads the whole collection where few have them: give it a deadline.
func (s *Store) MetadataWith(ctx context.Context, collection catalog.CollectionID, keys []string, limit int) (found []map[string]any, all bool, err error) {
	var query strings.Builder
	query.WriteString(`SELECT metadata FROM images WHERE collection = $1`)
	args := []any{collection}
	place := "instr"
	if s.isPostgres() {
		place = "strpos"
	}
	for i, key := range keys {
		written, err := json.Marshal(key) // as MarshalMetadata writes it
		if err != nil {
			return nil, false, fmt.Errorf("read metadata of %q: %w", collection, err)
		}
		fmt.Fprintf(&query, ` AND %s(metadata, $%d) > 0`, place, i+2)
		args = append(args, string(written)+":") // no text holds that: its quotation marks are escaped
	}
	fmt.Fprintf(&query, ` LIMIT %d`, limit+1)
	err = each(ctx, s.read, func(scan func(...any) error) error {
		var about string
		if err := scan(&about); err != nil {
			return err
		}
		fields, err := metadata.Stored([]byte(about))
		found = append(found, fields)
		return err
	}, query.String(), args...)
	if err != nil {
		return nil, false, fmt.Errorf("read metadata of %q: %w", collection, err)
	}
	return found[:min(len(found), limit)], len(found) <= limit, nil
}
