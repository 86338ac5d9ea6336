package client

import (
	"context"
	"net/http"

	"polylens/web"
)

// AddSource keeps a collection in step with a folder of the server.
func (c *Client) AddSource(ctx context.Context, collection string, order web.SourceOrder) (added web.KeptSource, err error) {
	err = c.call(ctx, http.MethodPost, path("collections", collection, "sources"), order, &added)
	return added, err
}

// Sources lists the folders that a collection is kept in step with.
func (c *Client) Sources(ctx context.Context, collection string) ([]web.KeptSource, error) {
	var answer struct{ Sources []web.KeptSource }
	err := c.call(ctx, http.MethodGet, path("collections", collection, "sources"), nil, &answer)
	return answer.Sources, err
}

// DeleteSource keeps a collection in step with a folder no longer.
func (c *Client) DeleteSource(ctx context.Context, collection, id string) error {
	return c.call(ctx, http.MethodDelete, path("collections", collection, "sources", id), nil, nil)
}

// ScanSource scans a folder now.
func (c *Client) ScanSource(ctx context.Context, collection, id string, order web.ScanOrder) (job web.Job, err error) {
	err = c.call(ctx, http.MethodPost, path("collections", collection, "sources", id, "scans"), order, &job)
	return job, err
}
