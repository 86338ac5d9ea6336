package database

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"

	"polylens/indexer/catalog"
	"polylens/indexer/metadata"
	"polylens/internal/text"
)

const (
	scanPage = 500    // rows that are read at once
	mostScan = 20_000 // rows that are looked at for one page
)

// sortColumns are the columns behind the orders of images.
var sortColumns = map[catalog.ImageSort]string{
	catalog.SortURI: "uri", catalog.SortCreated: "created", catalog.SortUpdated: "updated",
}

// rowPlace is where a page ended: the value of the column that images are sorted by, and ID.
type rowPlace struct {
	Sort    catalog.ImageSort `json:"s,omitempty"`
	Reverse bool              `json:"r,omitempty"`
	Key     string            `json:"k"`
	ID      string            `json:"i"`
}

// FindImages returns a page of the images of the collection of a name, and the cursor of
// the next page, empty at the end. A page may have fewer images than asked for, and even
// none, and still be followed by another, when many have to be looked at. An order that
// is not known, and a cursor that did not come from this method with the same order, are
// catalog.ErrInvalid.
func (s *Store) FindImages(ctx context.Context, collection string, query catalog.ImageQuery) ([]catalog.Image, string, error) {
	if query.Limit < 1 {
		return nil, "", fmt.Errorf("limit %d is %w: use 1 or more", query.Limit, catalog.ErrInvalid)
	}
	after, err := rowOf(query)
	if err != nil {
		return nil, "", err
	}
	known, err := s.UncountedCollection(ctx, collection)
	if err != nil {
		return nil, "", err
	}
	ids, last, err := s.scanImages(ctx, known.ID, query, after)
	if err != nil {
		return nil, "", fmt.Errorf("find images of %q: %w", collection, err)
	}
	found, err := s.Images(ctx, known.ID, ids)
	images := make([]catalog.Image, 0, len(ids))
	for _, id := range ids {
		if image, there := found[id]; there { // else it was deleted just now
			images = append(images, image)
		}
	}
	next := ""
	if last != nil {
		next = last.cursor()
	}
	return images, next, err
}

// scanImages returns the IDs of a page, and where it ended unless that is the end of all.
func (s *Store) scanImages(ctx context.Context, collection catalog.CollectionID, query catalog.ImageQuery, after *rowPlace) (ids []string, last *rowPlace, err error) {
	size := scanPage
	if query.Matches == nil {
		size = query.Limit + 1 // with the one that says whether there is a next page
	}
	for scanned := 0; scanned < mostScan; scanned += size {
		rows, err := s.scanPage(ctx, collection, query, after, size)
		if err != nil {
			return nil, nil, err
		}
		for i, row := range rows {
			if query.Matches != nil {
				about, err := metadata.Stored([]byte(row.metadata))
				if err != nil {
					return nil, nil, fmt.Errorf("metadata of image %s: %w", row.ID, err)
				}
				if !query.Matches(about) {
					continue
				}
			}
			if ids = append(ids, row.ID); len(ids) == query.Limit {
				if i == len(rows)-1 && len(rows) < size {
					return ids, nil, nil
				}
				return ids, &rows[i].rowPlace, nil
			}
		}
		if len(rows) < size {
			return ids, nil, nil
		}
		after = &rows[len(rows)-1].rowPlace
	}
	return ids, after, nil
}

// scanned is what is read of an image to choose it.
type scanned struct {
	rowPlace
	metadata string
}

func (s *Store) scanPage(ctx context.Context, collection catalog.CollectionID, query catalog.ImageQuery, after *rowPlace, size int) ([]scanned, error) {
	column, about := sortColumns[query.Sort], "metadata"
	if query.Matches == nil {
		about = "''" // nobody looks at it
	}
	direction, beyond := "ASC", ">"
	if query.Reverse {
		direction, beyond = "DESC", "<"
	}
	condition, args := "", []any{collection, size}
	if after != nil {
		key, err := after.key()
		if err != nil {
			return nil, err
		}
		condition, args = ` AND (`+column+`, id) `+beyond+` ($3, $4)`, append(args, key, after.ID)
	}
	var rows []scanned
	err := each(ctx, s.read, func(scan func(...any) error) error {
		row := scanned{rowPlace: rowPlace{Sort: query.Sort, Reverse: query.Reverse}}
		err := scan(&row.Key, &row.ID, &row.metadata)
		rows = append(rows, row)
		return err
	}, `SELECT CAST(`+column+` AS TEXT), id, `+about+` FROM images WHERE collection = $1`+condition+
		` ORDER BY `+column+` `+direction+`, id `+direction+` LIMIT $2`, args...)
	return rows, err
}

// key is the value of the column.
func (p *rowPlace) key() (any, error) {
	if p.Sort == catalog.SortURI {
		return p.Key, nil
	}
	moment, err := strconv.ParseInt(p.Key, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("cursor is %w", catalog.ErrInvalid)
	}
	return moment, nil
}

func (p *rowPlace) cursor() string {
	text, err := json.Marshal(p)
	if err != nil {
		return "" // it holds nothing but texts
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// rowOf reads the cursor of a query, nil for none.
func rowOf(query catalog.ImageQuery) (*rowPlace, error) {
	if _, known := sortColumns[query.Sort]; !known {
		return nil, fmt.Errorf("order %.40q is %w: use created or updated, with - before it for the reverse", query.Sort, catalog.ErrInvalid)
	}
	if query.Cursor == "" {
		return nil, nil
	}
	var p rowPlace
	data, err := base64.RawURLEncoding.DecodeString(query.Cursor)
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	if err == nil {
		err = text.Check(p.Key + p.ID)
	}
	if err == nil {
		_, err = p.key()
	}
	if err != nil || p.Sort != query.Sort || p.Reverse != query.Reverse {
		return nil, fmt.Errorf("cursor %.80q is %w: it does not belong to such a list", query.Cursor, catalog.ErrInvalid)
	}
	return &p, nil
}
