package client

import (
	"context"
	"net/http"

	"polylens/web"
)

// CreateKey makes a key. Only the answer holds its secret.
func (c *Client) CreateKey(ctx context.Context, order web.KeyOrder) (made web.NewKey, err error) {
	err = c.call(ctx, http.MethodPost, "/keys", order, &made)
	return made, err
}

// Keys returns all keys, newest first.
func (c *Client) Keys(ctx context.Context) ([]web.Key, error) {
	var answer struct{ Keys []web.Key }
	err := c.call(ctx, http.MethodGet, "/keys", nil, &answer)
	return answer.Keys, err
}

// RevokeKey lets a key count no longer.
func (c *Client) RevokeKey(ctx context.Context, id string) (revoked web.Key, err error) {
	err = c.call(ctx, http.MethodDelete, path("keys", id), nil, &revoked)
	return revoked, err
}
