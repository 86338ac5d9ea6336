package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"polylens/indexer/catalog"
	"polylens/search"
	"polylens/web"
)

// Info returns what the server says about itself.
func (c *Client) Info(ctx context.Context) (info web.Info, err error) {
	err = c.call(ctx, http.MethodGet, "/info", nil, &info)
	return info, err
}

// Collections returns all collections.
func (c *Client) Collections(ctx context.Context) ([]web.Collection, error) {
	var answer struct{ Collections []web.Collection }
	err := c.call(ctx, http.MethodGet, "/collections", nil, &answer)
	return answer.Collections, err
}

// Collection returns one collection.
func (c *Client) Collection(ctx context.Context, name string) (found web.Collection, err error) {
	err = c.call(ctx, http.MethodGet, path("collections", name), nil, &found)
	return found, err
}

// RenameCollection gives a collection another name.
func (c *Client) RenameCollection(ctx context.Context, name, to string) (renamed web.Collection, err error) {
	err = c.call(ctx, http.MethodPatch, path("collections", name), map[string]string{"name": to}, &renamed)
	return renamed, err
}

// CreateCollection adds an empty collection.
func (c *Client) CreateCollection(ctx context.Context, name string, originals catalog.Originals) (created web.Collection, err error) {
	body := map[string]any{"name": name}
	if originals != "" {
		body["originals"] = originals
	}
	err = c.call(ctx, http.MethodPost, "/collections", body, &created)
	return created, err
}

// SetOriginals chooses what becomes of the originals of a collection from now on.
func (c *Client) SetOriginals(ctx context.Context, name string, originals catalog.Originals) (changed web.Collection, err error) {
	err = c.call(ctx, http.MethodPatch, path("collections", name), map[string]any{"originals": originals}, &changed)
	return changed, err
}

// DeleteCollection removes a collection and its index; the pictures stay.
func (c *Client) DeleteCollection(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodDelete, path("collections", name), nil, nil)
}

// Failures returns what the last indexing could not use, or not wholly, in order of URI:
// up to limit, of some kinds or of all.
func (c *Client) Failures(ctx context.Context, collection string, limit int, kinds ...string) ([]web.FileFailed, error) {
	var all []web.FileFailed
	query := url.Values{}
	if len(kinds) > 0 {
		query.Set("kind", strings.Join(kinds, ","))
	}
	for {
		query.Set("limit", strconv.Itoa(min(limit-len(all), pageSize)))
		var page struct {
			Failures []web.FileFailed
			Next     string
		}
		if err := c.call(ctx, http.MethodGet, path("collections", collection, "failures")+"?"+query.Encode(), nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Failures...)
		if page.Next == "" || len(all) >= limit {
			return all, nil
		}
		query.Set("cursor", page.Next)
	}
}

// Search finds the images that a text describes, best first.
func (c *Client) Search(ctx context.Context, collection, text string, limit int, group search.Grouping) ([]web.Hit, error) {
	query := url.Values{"q": {text}, "limit": {strconv.Itoa(limit)}}
	if group != search.GroupNone {
		query.Set("group", string(group))
	}
	var answer struct{ Hits []web.Hit }
	err := c.call(ctx, http.MethodGet, path("collections", collection, "search")+"?"+query.Encode(), nil, &answer)
	return answer.Hits, err
}
