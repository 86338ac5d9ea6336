package main

import (
	"context"
	"errors"
	"fmt"

	"polylens/indexer/catalog"
	"polylens/web"
	"polylens/web/client"
)

// jobHelp says where the answers come from.
const jobHelp = `If "polylens serve" runs on the same data folder, it answers. Otherwise the catalogue is read, or changed, here: Milvus is not started ` +
	`and no job runs until the next "polylens serve" or "polylens index".`

// jobSteering names the job that a command is for.
type jobSteering struct {
	ID   string `arg:"" placeholder:"ID" help:"ID of the job, as \"job list\" shows it."`
	JSON bool   `help:"Print the job as one JSON object, as the API returns it."`
}

func steeringHelp(verb, text string) string {
	return text + `

` + jobHelp + `

Examples:

    polylens job ` + verb + ` 0197c5e6-7c1e-7b0a-9d52-0b8f2f6f3a10

` + exitHelp
}

// do calls ask and prints how the job stands afterwards. later says what a running
// job will become.
func (c jobSteering) do(ctx context.Context, p *program, ask func(*client.Client, context.Context, string) (web.Job, error), later string) error {
	api, here, err := p.catalogueAPI(ctx, "job")
	if err != nil {
		return err
	}
	job, err := ask(api, ctx, c.ID)
	if err != nil {
		return aboutJob(err)
	}
	if c.JSON {
		return printLines(p.terminal.out, []web.Job{job})
	}
	text := string(job.State)
	if !job.State.Finished() && here != nil && !p.globals.sharesDatabase() {
		text += "; nothing runs jobs until `polylens serve` does"
	} else if later != "" && job.State == catalog.JobRunning {
		text += "; it will be " + later + " in a moment"
	}
	_, err = fmt.Fprintf(p.terminal.out, "%s: %s\n", job.ID, text)
	return err
}

// aboutJob adds to an error about a job that the command line names where to look for it.
func aboutJob(err error) error {
	if errors.Is(err, catalog.ErrNotFound) {
		return fmt.Errorf("%w (`polylens job list` names those that there are)", err)
	}
	return err
}

type jobCancelCommand struct{ jobSteering }

// Help documents the command.
func (*jobCancelCommand) Help() string {
	return steeringHelp("cancel", `Ends a job for good, unless it is retried. One that runs ends a moment later. What it has done stays. A job that is over already stays as it is, which is a failure.`)
}

func (c *jobCancelCommand) Run(ctx context.Context, p *program) error {
	return c.do(ctx, p, (*client.Client).CancelJob, "canceled")
}

type jobPauseCommand struct{ jobSteering }

// Help documents the command.
func (*jobPauseCommand) Help() string {
	return steeringHelp("pause", `Keeps a job waiting until it is resumed. One that runs stops a moment later, and goes on from there.`)
}

func (c *jobPauseCommand) Run(ctx context.Context, p *program) error {
	return c.do(ctx, p, (*client.Client).PauseJob, "paused")
}

type jobResumeCommand struct{ jobSteering }

// Help documents the command.
func (*jobResumeCommand) Help() string {
	return steeringHelp("resume", `Puts a paused job back into the queue.`)
}

func (c *jobResumeCommand) Run(ctx context.Context, p *program) error {
	return c.do(ctx, p, (*client.Client).ResumeJob, "")
}

type jobRetryCommand struct {
	jobSteering
	Failed bool `help:"Make a new job of the lines of a push that failed."`
}

// Help documents the command.
func (*jobRetryCommand) Help() string {
	return steeringHelp("retry", `Puts a failed or canceled job back into the queue. What it did before is not done again. A training goes on by its run instead: give the command that began it again. With --failed, the lines of a push that failed are made a job of their own.`)
}

func (c *jobRetryCommand) Run(ctx context.Context, p *program) error {
	if c.Failed {
		return c.do(ctx, p, (*client.Client).RetryFailed, "")
	}
	return c.do(ctx, p, (*client.Client).RetryJob, "")
}
