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
	rules, err := stringColumn(ctx, s.read, `SELECT rules FROM sources WHERE collection = $1 AND name = $2`, collection, source)
	if err != nil {
		return nil, fmt.Errorf("read the rules of %s: %w", source, err)
	}
	if len(rules) == 0 {
		return nil, nil
	}
	return []byte(rules[0]), nil
}
