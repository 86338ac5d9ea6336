package indexer

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
)

// failedLines keeps the lines of a chunk that failed, so that they can be tried again.
type failedLines struct {
	create func() (io.WriteCloser, error)

	mu   sync.Mutex
	file io.WriteCloser // nil: none has failed
}

func (f *failedLines) add(text []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		file, err := f.create()
		if err != nil {
			return err
		}
		f.file = file
	}
	_, err := f.file.Write(append(text, '\n'))
	return err
}

// close keeps the file.
func (f *failedLines) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return nil
	}
	file := f.file
	f.file = nil
	return file.Close()
}

// discard ends the context that the file was created with, and with it a file that was
// not kept.
func (f *failedLines) discard(end func()) {
	end()
	_ = f.close() // it is not kept
}

// failedFolder is where the lines of a push that failed are kept.
const failedFolder = "/failed/"

// failedName is the file of the failed lines of a chunk, beside the chunk.
func failedName(chunk catalog.Chunk) string {
	push, number, _ := strings.Cut(strings.TrimPrefix(chunk.Content, "pushes/"), "/")
	return "pushes/" + push + failedFolder + number
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
		return p.blobs.Walk(ctx, "pushes/"+params.Push+failedFolder, func(file blob.File) error { return p.copyLines(ctx, file.Name, cut) })
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
