package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"polylens/indexer/catalog"
	"polylens/web"
)

// Run returns one run.
func (c *Client) Run(ctx context.Context, id string) (run web.Run, err error) {
	err = c.call(ctx, http.MethodGet, path("runs", id), nil, &run)
	return run, err
}

// FindRun returns the newest run that is wanted, or catalog.ErrNotFound, wrapped with
// what was looked for.
func (c *Client) FindRun(ctx context.Context, what string, wanted func(web.Run) bool) (web.Run, error) {
	for cursor := ""; ; {
		var page struct {
			Runs []web.Run
			Next string
		}
		query := url.Values{"limit": {strconv.Itoa(pageSize)}, "cursor": {cursor}}
		if err := c.call(ctx, http.MethodGet, "/runs?"+query.Encode(), nil, &page); err != nil {
			return web.Run{}, err
		}
		for _, run := range page.Runs {
			if wanted(run) {
				return run, nil
			}
		}
		if cursor = page.Next; cursor == "" {
			return web.Run{}, fmt.Errorf("%s: %w", what, catalog.ErrNotFound)
		}
	}
}

// StartRun queues a run.
func (c *Client) StartRun(ctx context.Context, name string, config map[string]any) (run web.Run, err error) {
	err = c.call(ctx, http.MethodPost, "/runs", map[string]any{"name": name, "config": config}, &run)
	return run, err
}

// DeleteRun removes a run, its curves and its checkpoints.
func (c *Client) DeleteRun(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, path("runs", id), nil, nil)
}

// ResumeRun goes on with a stopped, failed or interrupted run.
func (c *Client) ResumeRun(ctx context.Context, id string) (web.Run, error) {
	return c.commandRun(ctx, id, "resume", struct{}{})
}

// StopRun ends a run after its present step.
func (c *Client) StopRun(ctx context.Context, id string) (web.Run, error) {
	return c.commandRun(ctx, id, "stop", struct{}{})
}

// ActivateRun lets searches use the model of a run, once its index is complete.
func (c *Client) ActivateRun(ctx context.Context, id string, force bool) (web.Run, error) {
	return c.commandRun(ctx, id, "activate", map[string]any{"force": force})
}

// RollBackRun lets searches use the model again that they used before a run's.
func (c *Client) RollBackRun(ctx context.Context, id string) (web.Run, error) {
	return c.commandRun(ctx, id, "rollback", struct{}{})
}

func (c *Client) commandRun(ctx context.Context, id, verb string, body any) (run web.Run, err error) {
	err = c.call(ctx, http.MethodPost, path("runs", id, verb), body, &run)
	return run, err
}

// FollowRun reports how a run stands until it is neither queued nor running. When
// ctx ends, the run is stopped.
func (c *Client) FollowRun(ctx context.Context, run web.Run, tell func(web.Run)) (web.Run, error) {
	return follow(ctx, run, func(run web.Run) bool { return run.State != catalog.RunQueued && run.State != catalog.RunRunning }, tell,
		func(ctx context.Context) (web.Run, error) { return c.Run(ctx, run.ID) },
		func(ctx context.Context) error { _, err := c.StopRun(ctx, run.ID); return err })
}
