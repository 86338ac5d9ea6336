package database

import (
	"context"
	"fmt"

	"polylens/indexer/catalog"
)

// SaveRules keeps how a source of a collection was last walked, as JSON.
func (s *Store) SaveRules(ctx context.Context, collection catalog.CollectionID, source string, rules []byte) error {
	_, err := s.exec(ctx, `
		INSERT INTO sources (collection, name, rules) VALUES ($1, $2, $3)
		ON CONFLICT (collection, name) DO UPDATE SET rules = excluded.rules`, collection, source, string(rules))
	if err != nil {
		return fmt.Errorf("save the rules of %s: %w", source, err)
	}
	return nil
}

// Rules returns what SaveRules kept; nil for a source of which nothing is kept.
func (s *Store) Rules(ctx context.Context, collection catalog.CollectionID, source string) ([]byte, error) {
	return s.ofSource(ctx, "rules", collection, source)
}

// SaveGates keeps what led to the folders of a source, as JSON. The rules of the source
// were saved before.
func (s *Store) SaveGates(ctx context.Context, collection catalog.CollectionID, source string, gates []byte) error {
	if _, err := s.exec(ctx, `UPDATE sources SET gates = $3 WHERE collection = $1 AND name = $2`, collection, source, string(gates)); err != nil {
		return fmt.Errorf("save the gates of %s: %w", source, err)
	}
	return nil
}

// Gates returns what SaveGates kept; nil for a source of which nothing is kept.
func (s *Store) Gates(ctx context.Context, collection catalog.CollectionID, source string) ([]byte, error) {
	return s.ofSource(ctx, "gates", collection, source)
}

func (s *Store) ofSource(ctx context.Context, column string, collection catalog.CollectionID, source string) ([]byte, error) {
	found, err := stringColumn(ctx, s.read, `SELECT `+column+` FROM sources WHERE collection = $1 AND name = $2`, collection, source)
	if err != nil {
		return nil, fmt.Errorf("read the %s of %s: %w", column, source, err)
	}
	if len(found) == 0 || found[0] == "" {
		return nil, nil
	}
	return []byte(found[0]), nil
}
