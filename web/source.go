package web

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/indexer/source"
	"polylens/indexer/watch"
)

// KeptSource is a folder of the server that a collection is kept in step with.
type KeptSource struct {
	ID              string      `json:"id" doc:"Identity within the collection"`
	Collection      string      `json:"collection"`
	Directory       string      `json:"directory" doc:"Absolute path of the folder on the server"`
	IntervalSeconds int         `json:"interval_seconds" doc:"Between the end of a scan and the next one, but for what events say; up to a tenth is added"`
	Events          bool        `json:"events" doc:"Whether it is scanned also when something changes in it"`
	EventsProblem   string      `json:"events_problem,omitempty" doc:"Why not all events are followed now; absent: they are"`
	State           watch.State `json:"state" enum:"in step,changed,scanning,paused,withheld,failed,waiting" doc:"withheld: so much is gone that nothing was removed, and somebody has to confirm; waiting: its folder is missing"`
	Detail          string      `json:"detail,omitempty" doc:"What to do, or what is awaited, for people"`
	Rules           *Rules      `json:"rules,omitempty" doc:"Which files are looked at, where that is not the default"`
	MaxRemovedShare *float64    `json:"max_removed_share,omitempty" doc:"As of the jobs that index it"`
	Created         time.Time   `json:"created"`
	LastScan        *LastScan   `json:"last_scan,omitempty" doc:"The newest scan, also one that runs; absent: none yet, or it is forgotten"`
}

// LastScan is a job that scans a source.
type LastScan struct {
	Job      string           `json:"job" doc:"Identity of the job"`
	State    catalog.JobState `json:"state" enum:"queued,running,paused,succeeded,failed,canceled"`
	Error    string           `json:"error,omitempty"`
	Created  time.Time        `json:"created"`
	Finished *time.Time       `json:"finished,omitempty"`
}

// SourceOrder says which folder a collection is to be kept in step with.
type SourceOrder struct {
	Directory       string   `json:"directory" minLength:"1" maxLength:"4096" doc:"Absolute path of a folder on the server"`
	IntervalSeconds int      `json:"interval_seconds,omitempty" minimum:"60" maximum:"2592000" default:"3600" doc:"Between the end of a scan and the next one"`
	Events          *bool    `json:"events,omitempty" doc:"Scan it also when something changes in it; absent: yes"`
	MaxNumPatches   int      `json:"max_num_patches,omitempty" minimum:"64" maximum:"1024" doc:"As of index jobs. It is chosen once, with the first scan: later ones keep what the collection has then"`
	Metadata        string   `json:"metadata,omitempty" enum:"all,no-place,none" doc:"As of index jobs, and likewise once"`
	MaxRemovedShare *float64 `json:"max_removed_share,omitempty" minimum:"0" maximum:"1" doc:"As of index jobs, for every scan"`
	Rules
}

// SourceChange is what is to be different of a source.
type SourceChange struct {
	IntervalSeconds *int  `json:"interval_seconds,omitempty" minimum:"60" maximum:"2592000" doc:"Between the end of a scan and the next one; absent: as it is"`
	Events          *bool `json:"events,omitempty" doc:"Scan it also when something changes in it; absent: as it is"`
}

// ScanOrder says what is different in one scan.
type ScanOrder struct {
	ConfirmRemoval bool `json:"confirm_removal,omitempty" doc:"As of index jobs: remove what is gone, however much this is"`
	RetryFailed    bool `json:"retry_failed,omitempty" doc:"As of index jobs"`
	Rehash         bool `json:"rehash,omitempty" doc:"As of index jobs"`
}

type createSourceInput struct {
	Name string `path:"name" pattern:"^[a-z0-9][a-z0-9_-]*$" maxLength:"63" doc:"Name of the collection; created if it is missing"`
	IdempotencyHeader
	Body SourceOrder
}

// SourcePath is the part of a path that names a source.
type SourcePath struct {
	CollectionPath
	ID string `path:"id" maxLength:"64" doc:"Identity of the source"`
}

type changeSourceInput struct {
	SourcePath
	Body SourceChange
}

type scanSourceInput struct {
	SourcePath
	IdempotencyHeader
	Body *ScanOrder
}

type sourceAnswer struct{ Body KeptSource }

type createdSource struct {
	Location string `header:"Location"`
	Body     KeptSource
}

type sourcesAnswer struct {
	Body struct {
		Sources []KeptSource `json:"sources" nullable:"false" doc:"Oldest first"`
	}
}

func (s *server) sourceOperations(api huma.API) {
	create := operation("create-source", http.MethodPost, "/collections/{name}/sources", "sources",
		"Keep a collection in step with a folder of the server, beginning with a scan", http.StatusForbidden, http.StatusConflict)
	create.DefaultStatus = http.StatusCreated
	huma.Register(api, create, s.createSource)
	huma.Register(api, operation("list-sources", http.MethodGet, "/collections/{name}/sources", "sources",
		"List the folders that a collection is kept in step with", http.StatusNotFound), s.listSources)
	huma.Register(api, operation("get-source", http.MethodGet, "/collections/{name}/sources/{id}", "sources",
		"Get one of these folders", http.StatusNotFound), s.getSource)
	huma.Register(api, operation("change-source", http.MethodPatch, "/collections/{name}/sources/{id}", "sources",
		"Change how often a folder is scanned", http.StatusForbidden, http.StatusNotFound), s.changeSource)
	huma.Register(api, operation("delete-source", http.MethodDelete, "/collections/{name}/sources/{id}", "sources",
		"Keep a collection in step with a folder no longer; what was indexed from it stays", http.StatusNotFound), s.deleteSource)
	huma.Register(api, accepted(operation("scan-source", http.MethodPost, "/collections/{name}/sources/{id}/scans", "sources",
		"Scan a folder now", http.StatusForbidden, http.StatusNotFound, http.StatusConflict)), s.scanSource)
}

func (s *server) createSource(ctx context.Context, input *createSourceInput) (*createdSource, error) {
	if !callerOf(ctx).host {
		return nil, s.noFolders()
	}
	directory, err := usableFolder(input.Body.Directory)
	if err != nil {
		return nil, err
	}
	kept, err := s.Sources.AddSource(ctx, input.Name, input.Body.order(directory))
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	location := apiPrefix + "/collections/" + kept.Collection + "/sources/" + kept.ID
	return &createdSource{Location: location, Body: s.newSource(ctx, kept)}, nil
}

func (o SourceOrder) order(directory string) indexer.SourceOrder {
	return indexer.SourceOrder{
		Every: time.Duration(o.IntervalSeconds) * time.Second, Events: o.Events == nil || *o.Events,
		Params: indexer.JobParams{
			Directory: directory, MaxPatches: o.MaxNumPatches, Metadata: catalog.MetadataChoice(o.Metadata),
			MaxRemovedShare: o.MaxRemovedShare, Rules: source.Rules(o.Rules),
		},
	}
}

func (s *server) listSources(ctx context.Context, input *CollectionPath) (*sourcesAnswer, error) {
	found, err := s.Sources.KeptSources(ctx, input.Name)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	answer := &sourcesAnswer{}
	answer.Body.Sources = make([]KeptSource, len(found))
	for i, kept := range found {
		answer.Body.Sources[i] = s.newSource(ctx, kept)
	}
	return answer, nil
}

func (s *server) getSource(ctx context.Context, input *SourcePath) (*sourceAnswer, error) {
	kept, err := s.Sources.KeptSource(ctx, input.Name, input.ID)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return &sourceAnswer{s.newSource(ctx, kept)}, nil
}

func (s *server) changeSource(ctx context.Context, input *changeSourceInput) (*sourceAnswer, error) {
	if !callerOf(ctx).host {
		return nil, s.noFolders()
	}
	kept, err := s.Sources.KeptSource(ctx, input.Name, input.ID)
	if err == nil {
		if input.Body.IntervalSeconds != nil {
			kept.Every = time.Duration(*input.Body.IntervalSeconds) * time.Second
		}
		if input.Body.Events != nil {
			kept.Events = *input.Body.Events
		}
		err = s.Sources.ChangeKeptSource(ctx, kept)
	}
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return &sourceAnswer{s.newSource(ctx, kept)}, nil
}

func (s *server) deleteSource(ctx context.Context, input *SourcePath) (*struct{}, error) {
	if err := s.Sources.DeleteKeptSource(ctx, input.Name, input.ID); err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return nil, nil
}

func (s *server) scanSource(ctx context.Context, input *scanSourceInput) (*acceptedJob, error) {
	if !callerOf(ctx).host {
		return nil, s.noFolders()
	}
	var choice indexer.ScanChoice
	if input.Body != nil {
		choice = indexer.ScanChoice{RetryFailed: input.Body.RetryFailed, Rehash: input.Body.Rehash, ConfirmRemoval: input.Body.ConfirmRemoval}
	}
	kept, err := s.Sources.KeptSource(ctx, input.Name, input.ID)
	var job catalog.Job
	if err == nil {
		if kept.Last.ID != "" && !kept.Last.State.Finished() {
			err = catalog.Conflict("job %s scans it already, and is %s", kept.Last.ID, kept.Last.State)
		} else {
			job, err = s.Sources.ScanSource(ctx, kept, kept.Last.ID, choice)
		}
	}
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return &acceptedJob{Location: apiPrefix + "/jobs/" + job.ID, Body: newJob(job)}, nil
}

func (s *server) newSource(ctx context.Context, kept catalog.KeptSource) KeptSource {
	var params indexer.JobParams
	_ = json.Unmarshal(kept.Settings, &params) // written by Polylens itself
	condition := s.Sources.Condition(ctx, kept)
	converted := KeptSource{
		ID: kept.ID, Collection: kept.Collection, Directory: kept.Directory, IntervalSeconds: int(kept.Every / time.Second), Events: kept.Events,
		EventsProblem: condition.Events, State: condition.State, Detail: condition.Detail, Rules: newRules(params.Rules), MaxRemovedShare: params.MaxRemovedShare,
		Created: kept.Created,
	}
	if last := kept.Last; last.ID != "" {
		converted.LastScan = &LastScan{Job: last.ID, State: last.State, Error: last.Error, Created: last.Created, Finished: moment(last.Finished)}
	}
	return converted
}
