package indexer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
)

// keepFailed keeps the lines of a chunk that failed, so that they can be tried again.
func (p *Pushes) keepFailed(ctx context.Context, chunk catalog.Chunk, failed map[int64]bool) error {
	if len(failed) == 0 {
		return nil
	}
	file, err := p.blobs.Open(ctx, chunk.Content)
	if err != nil {
		return err
	}
	defer file.Close()
	return p.blobs.Write(ctx, failedName(chunk.Content), func(to io.Writer) error {
		lines := bufio.NewReaderSize(file, 1<<16)
		for {
			number, text, err := readNumbered(lines)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err == nil && failed[number] {
				_, err = fmt.Fprintf(to, "%s\n", text)
			}
			if err != nil {
				return err
			}
		}
	})
}

// readNumbered reads a line of a chunk; io.EOF at its end.
func readNumbered(lines *bufio.Reader) (number int64, text []byte, err error) {
	whole, err := lines.ReadBytes('\n')
	if err != nil && (len(whole) == 0 || !errors.Is(err, io.EOF)) {
		return 0, nil, err
	}
	first, text, _ := bytes.Cut(bytes.TrimSuffix(whole, []byte("\n")), []byte(" "))
	if number, err = strconv.ParseInt(string(first), 10, 64); err != nil {
		return 0, nil, fmt.Errorf("chunk is damaged: %w", err)
	}
	return number, text, nil
}

// RetryFailed queues a push of the lines of another that failed. catalog.ErrConflict when
// that has not ended, is no push, or no line of it failed.
func (p *Pushes) RetryFailed(ctx context.Context, id string) (catalog.Job, error) {
	job, err := p.queue.Get(ctx, id)
	if err != nil {
		return catalog.Job{}, err
	}
	switch {
	case job.Kind != JobPush:
		return catalog.Job{}, catalog.Conflict("job %s is of kind %s: only the lines of a push are tried again one by one", id, job.Kind)
	case !job.State.Finished():
		return catalog.Job{}, catalog.Conflict("job %s is %s: wait for its end, or cancel it", id, job.State)
	}
	var params PushParams
	if err := json.Unmarshal(job.Params, &params); err != nil {
		return catalog.Job{}, fmt.Errorf("parameters of the job: %w", err)
	}
	again, err := p.receive(ctx, job.Collection, func(cut *cutter) error {
		return p.blobs.Walk(ctx, failedFolder(params.Push), func(file blob.File) error { return p.copyLines(ctx, file.Name, cut) })
	})
	if errors.Is(err, ErrNoLines) {
		return catalog.Job{}, catalog.Conflict("no line of job %s has failed", id)
	}
	return again, err
}

// copyLines adds the lines of a file.
func (p *Pushes) copyLines(ctx context.Context, name string, to *cutter) error {
	file, err := p.blobs.Open(ctx, name)
	if err != nil {
		return err
	}
	defer file.Close()
	return to.all(bufio.NewReaderSize(file, 1<<16))
}
