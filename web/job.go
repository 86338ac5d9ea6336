package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"reflect"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/indexer/source"

	"github.com/danielgtaylor/huma/v2"
)

type jobPath struct {
	ID string `path:"id" maxLength:"64" doc:"Identity of the job"`
}

type jobAnswer struct{ Body Job }

type listJobsInput struct {
	Collection string   `query:"collection" maxLength:"64" doc:"Only jobs of this collection"`
	Kind       string   `query:"kind" maxLength:"40" doc:"Only jobs of this kind"`
	State      []string `query:"state" maxItems:"6" enum:"queued,running,paused,succeeded,failed,canceled" doc:"Only jobs in one of these states, separated by commas"`
	Limit      int      `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Jobs a page"`
	Cursor     string   `query:"cursor" maxLength:"512" doc:"“next” of the page before"`
}

type jobsAnswer struct {
	Body struct {
		Jobs []Job  `json:"jobs" nullable:"false" doc:"Newest first"`
		Next string `json:"next,omitempty" doc:"Cursor of the next page; absent after the last"`
	}
}

// jobCommandInput names the job that a command is for.
type jobCommandInput struct {
	IdempotencyHeader
	ID string `path:"id" maxLength:"64" doc:"Identity of the job"`
}

type createJobInput struct {
	Name string `path:"name" pattern:"^[a-z0-9][a-z0-9_-]*$" maxLength:"63" doc:"Name of the collection; created if it is missing"`
	IdempotencyHeader
	DryRun bool   `query:"dry_run" doc:"Say only what the job would do: the answer is a job of kind plan, which changes nothing"`
	Layout string `query:"layout" enum:"imagefolder" doc:"Of an archive: with imagefolder, the name of the folder that a picture lies in is its “label”, as in Hugging Face's imagefolder"`
	Body   IndexOrder
}

// IndexOrder says what to index, and how.
type IndexOrder struct {
	Source Source `json:"source,omitzero" doc:"Pictures that the server finds itself; this or upload"`
	Upload string `json:"upload,omitempty" maxLength:"64" doc:"Identity of a finished upload to push in place of a source: lines of JSON, also packed with gzip or zstd, a zip or tar archive, or Parquet with pictures, which is told by its bytes. The options are for folders. The upload is removed when it is used"`

	MaxNumPatches int `json:"max_num_patches,omitempty" minimum:"64" maximum:"1024" example:"576" doc:"Most patches that the collection's pictures are cut into from now on; absent keeps its choice. Another choice encodes all of them anew, and searches use the new vectors once they are complete. Only for NaFlex models"`

	Rules
	Layout      string `json:"layout,omitempty" enum:"imagefolder" doc:"Of an upload that is an archive: with imagefolder, the name of the folder that a picture lies in is its “label”, as in Hugging Face's imagefolder"`
	DryRun      bool   `json:"dry_run,omitempty" doc:"Say only what the job would do: the answer is a job of kind plan, which changes nothing"`
	RetryFailed bool   `json:"retry_failed,omitempty" doc:"Look again at files that could not be read, or that were no pictures, though they have not changed"`

	Rehash          bool     `json:"rehash,omitempty" doc:"Read every file, also those that seem unchanged, and encode those whose bytes are not what they were"`
	Metadata        string   `json:"metadata,omitempty" enum:"all,no-place,none" doc:"What the collection takes, from now on, of what cameras and programs write into pictures and, as XMP and Google Takeout do, beside them: all, all but where pictures were taken, or nothing. Absent: what it took before, at first all"`
	ConfirmRemoval  bool     `json:"confirm_removal,omitempty" doc:"Remove the images whose pictures are gone, however many these are. It holds for the folders that are there now: should another one, or an empty one, be there when the job comes to that, it fails as without"`
	MaxRemovedShare *float64 `json:"max_removed_share,omitempty" minimum:"0" maximum:"1" doc:"Without confirm_removal, the job fails and removes nothing when a larger share of what was indexed from this source is gone; absent stands for 0.25, and then up to three pictures go whatever their share. The last picture never goes without confirm_removal, nor do more than three from a folder that has none any more, from a disk that is no longer mounted, or from behind a link or mount point that leads to another folder than before"`
}

func (o IndexOrder) params(directory string) indexer.JobParams {
	return indexer.JobParams{
		Directory: directory, MaxPatches: o.MaxNumPatches, Metadata: catalog.MetadataChoice(o.Metadata),
		RetryFailed: o.RetryFailed, Rules: source.Rules(o.Rules),
		Rehash: o.Rehash, ConfirmRemoval: o.ConfirmRemoval, MaxRemovedShare: o.MaxRemovedShare,
	}
}

type acceptedJob struct {
	Location string `header:"Location"`
	Body     Job
}

func (s *server) jobOperations(api huma.API) {
	create := operation("create-job", http.MethodPost, "/collections/{name}/jobs", "jobs",
		"Index a folder of the server: new and changed pictures are added, vanished ones removed; or do what lines of JSON say, one image a line",
		http.StatusForbidden, http.StatusConflict)
	create.DefaultStatus = http.StatusAccepted
	huma.Register(api, create, s.createJob)
	huma.Register(api, accepted(operation("create-check", http.MethodPost, "/collections/{name}/checks", "jobs",
		"Compare catalogue, files, vectors and index of a collection; the job's “check” and “findings” are the outcome", http.StatusNotFound)), s.createCheck)
	huma.Register(api, accepted(operation("create-rest-check", http.MethodPost, "/checks", "jobs",
		"Check what belongs to no collection, or to all; the job's “findings” are the outcome")), s.createRestCheck)
	huma.Register(api, operation("list-jobs", http.MethodGet, "/jobs", "jobs", "List the jobs"), s.listJobs)
	huma.Register(api, operation("get-job", http.MethodGet, "/jobs/{id}", "jobs",
		"Get one job", http.StatusNotFound), s.getJob)
	huma.Register(api, operation("cancel-job", http.MethodDelete, "/jobs/{id}", "jobs",
		"Cancel a job; what it has indexed stays", http.StatusNotFound, http.StatusConflict), s.cancelJob)
	huma.Register(api, itemsOperation(), s.listItems)
	for verb, command := range map[string]struct {
		do      func(context.Context, string) (catalog.Job, error)
		summary string
	}{
		"pause":  {s.steerable(s.Jobs.Pause), "Let a job wait until it is resumed; one that runs stops where it is"},
		"resume": {s.steerable(s.withFolders(s.Jobs.Resume)), "Put a paused job back into the queue"},
		"retry":  {s.steerable(s.withFolders(s.Jobs.Retry)), "Put a failed or canceled job back into the queue"},
		// Of many lines, the few that failed.
		"retry-failed": {s.steerable(s.Pushes.RetryFailed), "Make a job of the lines of a push that failed"},
	} {
		o := operation(verb+"-job", http.MethodPost, "/jobs/{id}/"+verb, "jobs", command.summary, http.StatusNotFound, http.StatusConflict)
		huma.Register(api, accepted(o), s.jobCommand(command.do))
	}
}

func (s *server) createJob(ctx context.Context, input *createJobInput) (*acceptedJob, error) {
	if err := input.Body.check(); err != nil {
		return nil, err
	}
	if input.Layout != "" || input.Body.Layout != "" {
		if input.Body.Upload == "" {
			return nil, newProblem(kindInvalid, "layout is for archives: leave it out")
		}
	}
	job, err := s.order(ctx, input)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return &acceptedJob{Location: apiPrefix + "/jobs/" + job.ID, Body: newJob(job)}, nil
}

// check refuses an order with no source, or with several.
func (o IndexOrder) check() error {
	given := 0
	for _, one := range []string{o.Source.Directory, o.Source.Bucket, o.Upload} {
		if one != "" {
			given++
		}
	}
	if given != 1 {
		return newProblem(kindInvalid, "say what to index, once: a folder of the server as source.directory, a bucket as source.bucket, or an upload")
	}
	if o.Source.Directory != "" {
		return nil
	}
	o.Upload, o.Source, o.Layout, o.DryRun = "", Source{}, "", false
	if !reflect.DeepEqual(o, IndexOrder{}) {
		return newProblem(kindInvalid, "uploads and buckets are pushed, and know none of the options that are for folders")
	}
	return nil
}

// order queues what an order says.
func (s *server) order(ctx context.Context, input *createJobInput) (catalog.Job, error) {
	dry := input.DryRun || input.Body.DryRun
	if from := (indexer.PushSource{Upload: input.Body.Upload, Bucket: input.Body.Source.Bucket}); from != (indexer.PushSource{}) {
		return s.Pushes.With(indexer.PushOptions{DryRun: dry, Layout: indexer.Layout(cmp.Or(input.Layout, input.Body.Layout))}).ReceiveFrom(ctx, input.Name, from)
	}
	if !callerOf(ctx).host {
		return catalog.Job{}, s.noFolders()
	}
	directory, problem := usableFolder(input.Body.Source.Directory)
	if problem != nil {
		return catalog.Job{}, problem
	}
	if dry {
		return s.Pushes.PlanFolder(ctx, input.Name, input.Body.params(directory))
	}
	return s.Jobs.Index(ctx, input.Name, input.Body.params(directory))
}

func (s *server) noFolders() error {
	return newProblem(kindForbidden, s.door.noFolders("have folders of this machine indexed", "polylens index"))
}

// withFolders is a command that lets a job begin again, which looks into the folder that
// it was given, whatever lies there by now: that is for those who may name folders.
func (s *server) withFolders(do func(context.Context, string) (catalog.Job, error)) func(context.Context, string) (catalog.Job, error) {
	return func(ctx context.Context, id string) (catalog.Job, error) {
		if !callerOf(ctx).host {
			job, err := s.Jobs.Get(ctx, id)
			if err != nil {
				return job, err
			}
			if newJob(job).namesFolder() {
				return job, s.noFolders()
			}
		}
		return do(ctx, id)
	}
}

func (s *server) listJobs(ctx context.Context, input *listJobsInput) (*jobsAnswer, error) {
	filter := catalog.JobFilter{Collection: input.Collection, Kind: input.Kind, Before: input.Cursor, Limit: input.Limit + 1,
		Among: callerOf(ctx).rights.limit()}
	for _, state := range input.State {
		filter.States = append(filter.States, catalog.JobState(state))
	}
	jobs, err := s.Jobs.List(ctx, filter)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	answer := &jobsAnswer{}
	if len(jobs) > input.Limit { // the cursor is the ID of the last job of a page
		jobs = jobs[:input.Limit]
		answer.Body.Next = jobs[input.Limit-1].ID
	}
	answer.Body.Jobs = newJobs(jobs)
	return answer, nil
}

func (s *server) getJob(ctx context.Context, input *jobPath) (*jobAnswer, error) {
	job, err := s.job(ctx, input.ID)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return &jobAnswer{Body: newJob(job)}, nil
}

func (s *server) cancelJob(ctx context.Context, input *jobPath) (*jobAnswer, error) {
	job, err := s.steerable(s.Jobs.Cancel)(ctx, input.ID)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return &jobAnswer{Body: newJob(job)}, nil
}

func (s *server) jobCommand(do func(context.Context, string) (catalog.Job, error)) func(context.Context, *jobCommandInput) (*acceptedJob, error) {
	return func(ctx context.Context, input *jobCommandInput) (*acceptedJob, error) {
		job, err := do(ctx, input.ID)
		if err != nil {
			return nil, problemOf(ctx, s.Logger, err)
		}
		return &acceptedJob{Location: apiPrefix + "/jobs/" + job.ID, Body: newJob(job)}, nil
	}
}

// job is a job that the caller may see. To others it does not exist.
func (s *server) job(ctx context.Context, id string) (catalog.Job, error) {
	job, err := s.Jobs.Get(ctx, id)
	if err == nil && !callerOf(ctx).rights.allows(job.Collection) {
		return catalog.Job{}, fmt.Errorf("job %.80q: %w", id, catalog.ErrNotFound)
	}
	return job, err
}

// Kinds of jobs that are of trainings and models; all others change collections.
const (
	jobTrain = "train"
	jobModel = "model"
)

// steerable is a command for those who may see the job and whose credentials have the
// scope of what it does.
func (s *server) steerable(do func(context.Context, string) (catalog.Job, error)) func(context.Context, string) (catalog.Job, error) {
	return func(ctx context.Context, id string) (catalog.Job, error) {
		who := callerOf(ctx).rights
		if who == nil {
			return do(ctx, id)
		}
		job, err := s.job(ctx, id)
		if err != nil {
			return job, err
		}
		needed := catalog.ScopeIndex
		if job.Kind == jobTrain || job.Kind == jobModel {
			needed = catalog.ScopeTrain
		}
		if !who.has(needed) {
			return job, newProblem(kindNotAllowed, fmt.Sprintf("a job of kind %s needs a key with the scope %s", job.Kind, needed))
		}
		return do(ctx, id)
	}
}
