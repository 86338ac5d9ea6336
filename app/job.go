package main

import (
	"context"
	"fmt"
	"strings"

	"polylens/indexer/catalog"
	"polylens/internal/progress"
	"polylens/web"
)

type jobCommand struct {
	List   jobListCommand   `cmd:"" help:"List the jobs."`
	Show   jobShowCommand   `cmd:"" help:"Show one job, and wait for its end."`
	Items  jobItemsCommand  `cmd:"" help:"List what became of each line of a push."`
	Cancel jobCancelCommand `cmd:"" help:"Cancel a job; what it has done stays."`
	Pause  jobPauseCommand  `cmd:"" help:"Keep a job waiting until it is resumed."`
	Resume jobResumeCommand `cmd:"" help:"Put a paused job back into the queue."`
	Retry  jobRetryCommand  `cmd:"" help:"Put a failed or canceled job back into the queue."`
}

type jobListCommand struct {
	Collection string   `placeholder:"NAME" help:"Only jobs of this collection."`
	Kind       string   `placeholder:"KIND" enum:"index,push,check,repair,rebuild,model,train," default:"" help:"Only jobs of this kind: index, push, check, repair, rebuild, model or train."`
	State      []string `placeholder:"STATE" enum:"queued,running,paused,succeeded,failed,canceled" help:"Only jobs in this state: queued, running, paused, succeeded, failed or canceled; several are separated by commas."`
	Limit      int      `default:"20" placeholder:"N" help:"Most jobs, 1 to 1000 (default: ${default})."`
	JSON       bool     `help:"Print one JSON object a line, as the API returns it."`
}

// Help documents the command.
func (*jobListCommand) Help() string {
	return `Lists the jobs, newest first: indexing, checks of the index, changes of the model, trainings. Finished ones are kept for 30 days.

` + jobHelp + `

Examples:

    polylens job list
    polylens job list --state queued,running
    polylens job list --collection photos --kind index --json

` + exitHelp
}

// mostJobs is the most that one list holds.
const mostJobs = 1000

func (c *jobListCommand) Run(ctx context.Context, p *program) error {
	if c.Limit < 1 || c.Limit > mostJobs {
		return usageError{fmt.Errorf("--limit %d: want 1 to %d", c.Limit, mostJobs)}
	}
	api, _, err := p.catalogueAPI(ctx, "job list")
	if err != nil {
		return err
	}
	filter := catalog.JobFilter{Collection: c.Collection, Kind: c.Kind, Limit: c.Limit}
	for _, state := range c.State {
		filter.States = append(filter.States, catalog.JobState(state))
	}
	jobs, err := api.Jobs(ctx, filter)
	if err != nil {
		return err
	}
	if c.JSON {
		return printLines(p.terminal.out, jobs)
	}
	table := p.table()
	fmt.Fprintln(table, "ID\tKIND\tCOLLECTION\tSTATE\tPROGRESS\tCREATED")
	for _, job := range jobs {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n",
			job.ID, job.Kind, orDash(job.Collection), job.State, orDash(doneText(job)), timeText(job.Created))
	}
	return table.Flush()
}

type jobShowCommand struct {
	ID     string `arg:"" placeholder:"ID" help:"ID of the job, as \"job list\" shows it."`
	Follow bool   `help:"Show its progress until it ends; one that does not succeed is a failure. Interrupting this leaves the job alone."`
	JSON   bool   `help:"Print the job as one JSON object, as the API returns it."`
}

// Help documents the command.
func (*jobShowCommand) Help() string {
	return `Shows one job: what it does, how far it has come, and what went wrong.

` + jobHelp + `

Examples:

    polylens job show 0197c5e6-7c1e-7b0a-9d52-0b8f2f6f3a10
    polylens job show 0197c5e6-7c1e-7b0a-9d52-0b8f2f6f3a10 --follow

` + exitHelp
}

func (c *jobShowCommand) Run(ctx context.Context, p *program) error {
	api, here, err := p.catalogueAPI(ctx, "job show")
	if err != nil {
		return err
	}
	job, err := api.Job(ctx, c.ID)
	if err != nil {
		return aboutJob(err)
	}
	if c.Follow {
		if here != nil && !p.globals.sharesDatabase() && !job.State.Finished() {
			return fmt.Errorf("job %s is %s, and nothing runs it: start `polylens serve`, then follow it", job.ID, job.State)
		}
		line := progress.New(p.terminal.err)
		job, err = api.WatchJob(ctx, job, func(job web.Job) { line.Show(progressOf(job)) })
		line.End()
		if err != nil {
			return err
		}
	}
	if err := c.print(p, job); err != nil || !c.Follow {
		return err
	}
	return outcome(job, "job "+job.ID, "what it did stays")
}

func (c *jobShowCommand) print(p *program, job web.Job) error {
	if c.JSON {
		return printLines(p.terminal.out, []web.Job{job})
	}
	table := p.table()
	for _, row := range append(jobRows(job), fileRows(job.Progress.Files)...) {
		if row[1] != "" {
			fmt.Fprintf(table, "%s\t%s\n", row[0], row[1])
		}
	}
	for _, failure := range job.Failures {
		fmt.Fprintf(table, "skipped\t%s: %s\n", placeWords(failure.URI), failure.Reason)
	}
	for _, warning := range job.Warnings {
		fmt.Fprintf(table, "note\t%s: %s\n", placeWords(warning.URI), warning.Reason)
	}
	return table.Flush()
}

// fileRows are what lies in the folder of an index job besides pictures.
func fileRows(files web.Files) [][2]string {
	var rows [][2]string
	for _, line := range fileWords(files) {
		rows = append(rows, [2]string{"files", strings.TrimSpace(line)})
	}
	return rows
}

// jobRows is all that is known about a job except its failures; empty values are
// unknown.
func jobRows(job web.Job) [][2]string {
	rows := [][2]string{
		{"id", job.ID}, {"kind", job.Kind}, {"collection", job.Collection}, {"model", job.Model}, {"run", job.Run},
		{"state", string(job.State)}, {"progress", doneText(job)}, {"error", strings.Join(strings.Fields(job.Error), " ")},
		{"created", timeText(job.Created)},
	}
	if job.Source != nil {
		rows = append(rows, [2]string{"folder", job.Source.Directory})
	}
	if job.Started != nil {
		rows = append(rows, [2]string{"started", timeText(*job.Started)})
	}
	if job.Finished != nil {
		rows = append(rows, [2]string{"finished", timeText(*job.Finished)})
	}
	return rows
}
