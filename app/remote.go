package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"polylens/search"
	"polylens/web"
	"polylens/web/problem"
)

// remote is the server that holds the data folder, through its API.
type remote struct {
	base   string
	client *http.Client
}

func newRemote(address string) *remote {
	return &remote{base: "http://" + address + "/api/v1", client: &http.Client{Timeout: 2 * time.Minute}}
}

// Search implements backend.
func (r *remote) Search(ctx context.Context, collection, text string, limit int) ([]hit, error) {
	query := url.Values{"q": {text}, "limit": {strconv.Itoa(limit)}}
	var answer struct{ Hits []hit }
	err := r.call(ctx, http.MethodGet, "/collections/"+url.PathEscape(collection)+"/search?"+query.Encode(), nil, &answer)
	return answer.Hits, err
}

// Index implements backend.
func (r *remote) Index(ctx context.Context, order indexOrder, tell func(web.Job)) (web.Job, error) {
	var job web.Job
	body := map[string]any{"source": web.Source{Directory: order.folder}}
	if order.maxPatches != 0 {
		body["max_num_patches"] = order.maxPatches
	}
	err := r.call(ctx, http.MethodPost, "/collections/"+url.PathEscape(order.collection)+"/jobs", body, &job)
	for err == nil && !job.State.Final() {
		tell(job)
		select {
		case <-ctx.Done():
			return job, r.cancel(ctx, job)
		case <-time.After(300 * time.Millisecond):
		}
		err = r.call(ctx, http.MethodGet, "/jobs/"+job.ID, nil, &job)
	}
	return job, err
}

// cancel ends a job after its caller's context has ended.
func (r *remote) cancel(ctx context.Context, job web.Job) error {
	last, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer stop()
	return errors.Join(ctx.Err(), r.call(last, http.MethodDelete, "/jobs/"+job.ID, nil, &job))
}

// call sends one request and reads the answer into target.
func (r *remote) call(ctx context.Context, method, path string, body, target any) error {
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, r.base+path, content)
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := r.client.Do(request)
	if err != nil {
		return fmt.Errorf("the running server: %w: %w", search.ErrUnavailable, err)
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusMultipleChoices {
		return problemOf(response)
	}
	if target == nil {
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(target); err != nil {
		return fmt.Errorf("answer of the running server: %w", err)
	}
	return nil
}

// problemOf makes an error of a problem document (RFC 9457).
func problemOf(response *http.Response) error {
	var answer struct{ Type, Title, Detail string }
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&answer); err != nil {
		return fmt.Errorf("the running server answered %s", response.Status)
	}
	text := cmp.Or(answer.Detail, answer.Title)
	return problem.Error(answer.Type, text)
}
