package database

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"polylens/indexer/catalog"
)

const keyColumns = `id, name, hash, signing, scopes, collections, rate, burst, creator, created, expires, revoked, used`

// CreateKey adds a key and returns it as it is kept. ErrInvalid for one that makes no
// sense, ErrConflict if there is one with its ID.
func (s *Store) CreateKey(ctx context.Context, key catalog.Key) (catalog.Key, error) {
	key.Created, key.Expires = fromMillis(millis(s.now())), fromMillis(millis(key.Expires))
	if err := key.Validate(key.Created); err != nil {
		return catalog.Key{}, err
	}
	scopes, err := json.Marshal(key.Scopes)
	collections, failed := json.Marshal(key.Collections)
	if err := errors.Join(err, failed); err != nil {
		return catalog.Key{}, err
	}
	result, err := s.exec(ctx, `INSERT INTO api_keys (`+keyColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0) ON CONFLICT DO NOTHING`,
		key.ID, key.Name, hex.EncodeToString(key.Hash), hex.EncodeToString(key.Signing), string(scopes), string(collections),
		key.Rate, key.Burst, key.Creator, millis(key.Created), millis(key.Expires))
	if err == nil && changed(result) == 0 {
		err = catalog.ErrConflict
	}
	if err != nil {
		return catalog.Key{}, fmt.Errorf("create key %s: %w", key.ID, err)
	}
	return key, nil
}

// Key returns one key, also one that is revoked or expired, or ErrNotFound.
func (s *Store) Key(ctx context.Context, id string) (catalog.Key, error) {
	keys, err := readKeys(ctx, s.read, ` WHERE id = $1`, id)
	if err != nil {
		return catalog.Key{}, err
	}
	if len(keys) == 0 {
		return catalog.Key{}, fmt.Errorf("key %.20q: %w", id, catalog.ErrNotFound)
	}
	return keys[0], nil
}

// Keys returns all keys, the newest first.
func (s *Store) Keys(ctx context.Context) ([]catalog.Key, error) {
	return readKeys(ctx, s.read, ` ORDER BY created DESC, id`)
}

// AnyKey reports whether there is a key that is neither revoked nor expired.
func (s *Store) AnyKey(ctx context.Context) (bool, error) {
	found, err := stringColumn(ctx, s.read, `SELECT id FROM api_keys WHERE revoked = 0 AND (expires = 0 OR expires > $1) LIMIT 1`, millis(s.now()))
	return len(found) > 0, err
}

func readKeys(ctx context.Context, db querier, where string, args ...any) ([]catalog.Key, error) {
	keys := []catalog.Key{}
	err := each(ctx, db, func(scan func(...any) error) error {
		key, err := scanKey(scan)
		keys = append(keys, key)
		return err
	}, `SELECT `+keyColumns+` FROM api_keys`+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	return keys, nil
}

// scanKey fails for a row that it does not understand: a list of collections that cannot
// be read must not become all of them.
func scanKey(scan func(...any) error) (catalog.Key, error) {
	var k catalog.Key
	var hash, signing, scopes, collections string
	var created, expires, revoked, used int64
	if err := scan(&k.ID, &k.Name, &hash, &signing, &scopes, &collections, &k.Rate, &k.Burst, &k.Creator, &created, &expires, &revoked, &used); err != nil {
		return k, err
	}
	var failed [2]error
	k.Hash, failed[0] = hex.DecodeString(hash)
	k.Signing, failed[1] = hex.DecodeString(signing)
	err := errors.Join(failed[0], failed[1], json.Unmarshal([]byte(scopes), &k.Scopes), json.Unmarshal([]byte(collections), &k.Collections))
	k.Created, k.Expires, k.Revoked, k.Used = fromMillis(created), fromMillis(expires), fromMillis(revoked), fromMillis(used)
	return k, err
}

// RevokeKey lets a key count no longer and returns it. Revoking it again changes nothing.
// ErrNotFound for an unknown key.
func (s *Store) RevokeKey(ctx context.Context, id string) (catalog.Key, error) {
	if _, err := s.exec(ctx, `UPDATE api_keys SET revoked = $2 WHERE id = $1 AND revoked = 0`, id, millis(s.now())); err != nil {
		return catalog.Key{}, fmt.Errorf("revoke key %.20q: %w", id, err)
	}
	return s.Key(ctx, id)
}

// NoteKeyUsed notes that a key is used now, unless that was noted within the last minute.
func (s *Store) NoteKeyUsed(ctx context.Context, id string) error {
	now := s.now()
	_, err := s.exec(ctx, `UPDATE api_keys SET used = $2 WHERE id = $1 AND used <= $3`, id, millis(now), millis(now.Add(-time.Minute)))
	if err != nil {
		return fmt.Errorf("note the use of key %.20q: %w", id, err)
	}
	return nil
}

// moveKeys lets the keys that are limited to a collection go with it.
func (r renaming) moveKeys(ctx context.Context) error {
	keys, err := readKeys(ctx, r.tx, ` WHERE collections <> 'null'`)
	if err != nil {
		return err
	}
	for _, key := range keys {
		at := slices.Index(key.Collections, r.name)
		if at < 0 {
			continue
		}
		key.Collections[at] = r.to
		slices.Sort(key.Collections)
		collections, err := json.Marshal(slices.Compact(key.Collections))
		if err != nil {
			return err
		}
		if err := r.exec(ctx, `UPDATE api_keys SET collections = $2 WHERE id = $1`, key.ID, string(collections)); err != nil {
			return err
		}
	}
	return nil
}
