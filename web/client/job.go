package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"polylens/indexer/catalog"
	"polylens/web"
)

// Index queues the indexing of a folder of the server.
func (c *Client) Index(ctx context.Context, collection string, order web.IndexOrder) (job web.Job, err error) {
	err = c.call(ctx, http.MethodPost, path("collections", collection, "jobs")+c.query(), order, &job)
	return job, err
}

// Check queues the check of a collection, as ordered.
func (c *Client) Check(ctx context.Context, collection string, order web.CheckKind) (job web.Job, err error) {
	err = c.call(ctx, http.MethodPost, path("collections", collection, "checks"), order, &job)
	return job, err
}

// CheckRest queues the check of what belongs to no collection, as a job of kind check or
// repair.
func (c *Client) CheckRest(ctx context.Context, kind string) (job web.Job, err error) {
	err = c.call(ctx, http.MethodPost, "/checks", map[string]any{"kind": kind}, &job)
	return job, err
}

// Job returns one job.
func (c *Client) Job(ctx context.Context, id string) (job web.Job, err error) {
	err = c.call(ctx, http.MethodGet, path("jobs", id), nil, &job)
	return job, err
}

// Jobs returns jobs, newest first: up to the filter's Limit, which is 1000 at most.
func (c *Client) Jobs(ctx context.Context, filter catalog.JobFilter) ([]web.Job, error) {
	query := url.Values{"limit": {strconv.Itoa(min(max(filter.Limit, 1), pageSize))}}
	for name, value := range map[string]string{"collection": filter.Collection, "kind": filter.Kind, "cursor": filter.Before} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if len(filter.States) > 0 {
		states := make([]string, len(filter.States))
		for i, state := range filter.States {
			states[i] = string(state)
		}
		query.Set("state", strings.Join(states, ","))
	}
	var answer struct{ Jobs []web.Job }
	err := c.call(ctx, http.MethodGet, "/jobs?"+query.Encode(), nil, &answer)
	return answer.Jobs, err
}

// CancelJob ends a job; one that runs ends a moment later.
func (c *Client) CancelJob(ctx context.Context, id string) (job web.Job, err error) {
	err = c.call(ctx, http.MethodDelete, path("jobs", id), nil, &job)
	return job, err
}

// PauseJob keeps a job waiting until it is resumed; one that runs stops where it is.
func (c *Client) PauseJob(ctx context.Context, id string) (web.Job, error) {
	return c.commandJob(ctx, id, "pause")
}

// ResumeJob puts a paused job back into the queue.
func (c *Client) ResumeJob(ctx context.Context, id string) (web.Job, error) {
	return c.commandJob(ctx, id, "resume")
}

// RetryJob puts a failed or canceled job back into the queue.
func (c *Client) RetryJob(ctx context.Context, id string) (web.Job, error) {
	return c.commandJob(ctx, id, "retry")
}

func (c *Client) commandJob(ctx context.Context, id, verb string) (job web.Job, err error) {
	err = c.call(ctx, http.MethodPost, path("jobs", id, verb), struct{}{}, &job)
	return job, err
}

// FollowJob reports how a job stands until it is finished. When ctx ends, the job is
// canceled.
func (c *Client) FollowJob(ctx context.Context, job web.Job, tell func(web.Job)) (web.Job, error) {
	return follow(ctx, job, func(job web.Job) bool { return job.State.Finished() }, tell,
		func(ctx context.Context) (web.Job, error) { return c.Job(ctx, job.ID) },
		func(ctx context.Context) error { _, err := c.CancelJob(ctx, job.ID); return err })
}

// WatchJob is FollowJob that leaves the job alone when ctx ends.
func (c *Client) WatchJob(ctx context.Context, job web.Job, tell func(web.Job)) (web.Job, error) {
	return follow(ctx, job, func(job web.Job) bool { return job.State.Finished() }, tell,
		func(ctx context.Context) (web.Job, error) { return c.Job(ctx, job.ID) },
		func(context.Context) error { return nil })
}

// RetryFailed makes a job of the lines of a push that failed.
func (c *Client) RetryFailed(ctx context.Context, id string) (job web.Job, err error) {
	return c.commandJob(ctx, id, "retry-failed")
}
