package main

import (
	"context"
	"errors"
	"strings"

	"polylens/indexer/jobs"
)

type workerCommand struct{}

// Help documents the command.
func (*workerCommand) Help() string {
	return `Does its share of pushes, the jobs that bring pictures which clients have sent, beside "polylens serve" and other workers, on this machine or ` +
		`others. All of them share one Postgres database (--database), one object store (--object-store) and one Milvus ` +
		`(--milvus HOST:PORT), and use the same model; a worker with another model says so and does nothing. Each has a data folder of its own.

Workers may come and go at any moment. What one that dies had in hand is taken over within 30 seconds.
SIGINT or SIGTERM ends it in order: what it has not finished goes back at once.

Examples:

    POLYLENS_DATABASE=postgres://polylens@db/polylens polylens worker --milvus milvus:19530 \
        --object-store 's3://pictures?region=eu-central-1' --data /var/lib/polylens-worker

` + exitHelp
}

func (c *workerCommand) Run(ctx context.Context, p *program) error {
	if err := p.checkFleet(); err != nil {
		return usageError{err}
	}
	hold, _, err := p.hold("worker")
	if err != nil {
		return err
	}
	p.later(hold.Release)
	parts, err := p.openParts(ctx)
	if err != nil {
		return err
	}
	index, _, err := p.openIndex(ctx)
	if err != nil {
		return err
	}
	parts.index.Set(index)
	queue, err := jobs.New(parts.store.Jobs(p.terminal.clock), parts.pushes.Kind())
	if err != nil {
		return err
	}
	parts.pushes.Connect(queue)
	p.print("Polylens works on pushes.")
	parts.pushes.Help(ctx, p.log)
	return nil
}

// checkFleet refuses what only one process can use.
func (p *program) checkFleet() error {
	var missing []string
	for _, needed := range []struct {
		given bool
		what  string
	}{
		{p.globals.sharesDatabase(), "a Postgres database (--database or POLYLENS_DATABASE)"},
		{p.globals.ObjectStore != "", "an object store (--object-store or POLYLENS_OBJECT_STORE)"},
		{p.globals.milvusAddress() != "", "a Milvus server (--milvus HOST:PORT or POLYLENS_MILVUS)"},
	} {
		if !needed.given {
			missing = append(missing, needed.what)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return errors.New("workers share everything with the server: give " + strings.Join(missing, ", "))
}
