package web

import (
	"context"
	"net/http"
	"reflect"

	"polylens/indexer/catalog"
	"polylens/web/problem"

	"github.com/danielgtaylor/huma/v2"
)

type runPath struct {
	ID string `path:"id" maxLength:"64" doc:"Identity of the run"`
}

type runAnswer struct{ Body Run }

type listRunsInput struct {
	Collection string `query:"collection" maxLength:"64" doc:"Only runs that learn from this collection"`
	Limit      int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Runs a page"`
	Cursor     string `query:"cursor" maxLength:"512" doc:"“next” of the page before"`
}

type runsAnswer struct {
	Body struct {
		Runs []Run  `json:"runs" nullable:"false" doc:"Newest first"`
		Next string `json:"next,omitempty" doc:"Cursor of the next page; absent after the last"`
	}
}

type getPointsInput struct {
	ID        string   `path:"id" maxLength:"64" doc:"Identity of the run"`
	Names     []string `query:"names" maxItems:"1000" doc:"Curves, separated by commas; all when absent" example:"loss,validation/de/text_to_image/r1"`
	From      int64    `query:"from" minimum:"0" doc:"Only points of this step and later ones"`
	MaxPoints int      `query:"max_points" minimum:"4" maximum:"100000" default:"1000" doc:"Most points of each curve. Where there are more, the first and the last stay, and from equal stretches between them the lowest and the highest, so that no peak is lost"`
}

type pointsAnswer struct {
	Body struct {
		Series []Series `json:"series" nullable:"false" doc:"By name"`
	}
}

type createRunInput struct {
	IdempotencyHeader
	Body struct {
		Name       string         `json:"name" pattern:"^[a-z0-9][a-z0-9_-]*$" maxLength:"63" example:"our-products" doc:"Lower-case letters, digits, - and _"`
		Collection string         `json:"collection,omitempty" maxLength:"64" example:"demo" doc:"Collection whose pairs to learn from; absent when config names other data"`
		Config     map[string]any `json:"config" doc:"As in the file that polylens train reads"`
	}
}

// commandInput names the run that a command is for.
type commandInput struct {
	IdempotencyHeader
	ID string `path:"id" maxLength:"64" doc:"Identity of the run"`
}

type activateRunInput struct {
	IdempotencyHeader
	ID   string `path:"id" maxLength:"64" doc:"Identity of the run"`
	Body *struct {
		Force bool `json:"force,omitempty" doc:"Activate it although it did not pass the forgetting gate"`
	}
}

type acceptedRun struct {
	Location string `header:"Location"`
	Body     Run
}

func (s *server) runOperations(api huma.API) {
	huma.Register(api, operation("list-runs", http.MethodGet, "/runs", "runs", "List the runs"), s.listRuns)
	huma.Register(api, operation("get-run", http.MethodGet, "/runs/{id}", "runs",
		"Get one run", http.StatusNotFound), s.getRun)
	huma.Register(api, operation("get-run-points", http.MethodGet, "/runs/{id}/points", "runs",
		"Get the curves of a run", http.StatusNotFound), s.getPoints)
	huma.Register(api, accepted(operation("create-run", http.MethodPost, "/runs", "runs",
		"Train a model", http.StatusNotFound, http.StatusConflict, http.StatusNotImplemented)), s.createRun)
	huma.Register(api, command("resume-run", "resume",
		"Go on with a stopped, failed or interrupted run from its last checkpoint"), s.resumeRun)
	huma.Register(api, command("stop-run", "stop", "Stop a run after its present step; it can be resumed"), s.stopRun)
	huma.Register(api, command("activate-run", "activate",
		"Let searches use the model of a finished run, once its index is complete"), s.activateRun)
	huma.Register(api, command("roll-back-run", "rollback",
		"Let searches use the model again that they used before an activated run"), s.rollBackRun)
	huma.Register(api, operation("delete-run", http.MethodDelete, "/runs/{id}", "runs",
		"Delete a run, its curves and its checkpoints; the model that it wrote stays",
		http.StatusNotFound, http.StatusConflict, http.StatusNotImplemented), s.deleteRun)
}

// command is an operation that asks something of a run and does not wait for it.
func command(id, verb, summary string) huma.Operation {
	return accepted(operation(id, http.MethodPost, "/runs/{id}/"+verb, "runs", summary,
		http.StatusNotFound, http.StatusConflict, http.StatusNotImplemented))
}

func accepted(o huma.Operation) huma.Operation {
	o.DefaultStatus = http.StatusAccepted
	return o
}

func (s *server) listRuns(ctx context.Context, input *listRunsInput) (*runsAnswer, error) {
	// The cursor is the ID of the last run of a page.
	runs, err := s.seenRuns(ctx, input.Collection, input.Cursor, input.Limit+1)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	answer := &runsAnswer{}
	if len(runs) > input.Limit {
		runs = runs[:input.Limit]
		answer.Body.Next = runs[input.Limit-1].ID
	}
	answer.Body.Runs = newRuns(runs)
	return answer, nil
}

func (s *server) getRun(ctx context.Context, input *runPath) (*runAnswer, error) {
	run, err := s.run(ctx, input.ID)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return &runAnswer{Body: newRun(run)}, nil
}

func (s *server) getPoints(ctx context.Context, input *getPointsInput) (*pointsAnswer, error) {
	if _, err := s.run(ctx, input.ID); err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	series, err := s.Runs.RunSeries(ctx, input.ID, catalog.RunPoints{Names: input.Names, From: input.From, Most: input.MaxPoints})
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	answer := &pointsAnswer{}
	answer.Body.Series = make([]Series, len(series))
	for i, one := range series {
		answer.Body.Series[i] = Series{Name: one.Name, Steps: one.Steps, Values: finite(one.Values)}
	}
	return answer, nil
}

// createRun refuses everybody else: a config may name files of the server.
func (s *server) createRun(ctx context.Context, input *createRunInput) (*acceptedRun, error) {
	if !callerOf(ctx).host {
		return nil, newProblem(kindForbidden, s.door.noFolders("train with files of this machine", "polylens train"))
	}
	return s.command(ctx, func(trainer Trainer) (catalog.Run, error) {
		return trainer.Start(ctx, catalog.RunOrder{Name: input.Body.Name, Collection: input.Body.Collection, Config: input.Body.Config})
	})
}

func (s *server) resumeRun(ctx context.Context, input *commandInput) (*acceptedRun, error) {
	return s.steerRun(ctx, input.ID, func(trainer Trainer) (catalog.Run, error) { return trainer.Resume(ctx, input.ID) })
}

func (s *server) stopRun(ctx context.Context, input *commandInput) (*acceptedRun, error) {
	return s.steerRun(ctx, input.ID, func(trainer Trainer) (catalog.Run, error) { return trainer.Stop(ctx, input.ID) })
}

func (s *server) activateRun(ctx context.Context, input *activateRunInput) (*acceptedRun, error) {
	force := input.Body != nil && input.Body.Force
	return s.command(ctx, func(trainer Trainer) (catalog.Run, error) { return trainer.Activate(ctx, input.ID, force) })
}

func (s *server) rollBackRun(ctx context.Context, input *commandInput) (*acceptedRun, error) {
	return s.command(ctx, func(trainer Trainer) (catalog.Run, error) { return trainer.RollBack(ctx, input.ID) })
}

const noTrainer = "this server does not train; run “polylens train” where the model and the pictures are"

func (s *server) command(ctx context.Context, do func(Trainer) (catalog.Run, error)) (*acceptedRun, error) {
	if s.Trainer == nil {
		return nil, newProblem(kindNoTrainer, noTrainer)
	}
	run, err := do(s.Trainer)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return &acceptedRun{Location: apiPrefix + "/runs/" + run.ID, Body: newRun(run)}, nil
}

func (s *server) deleteRun(ctx context.Context, input *runPath) (*struct{}, error) {
	if s.Trainer == nil {
		return nil, newProblem(kindNoTrainer, noTrainer)
	}
	if err := s.checkRun(ctx, input.ID); err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	if err := s.Trainer.Delete(ctx, input.ID); err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return nil, nil
}

// gateProblem is a problem with the verdict of the forgetting gate.
type gateProblem struct {
	huma.ErrorModel
	Gate *Gate `json:"gate,omitempty" doc:"The verdict, where it is the cause"`
}

func newGateProblem(failed *catalog.ForgottenError) *gateProblem {
	return &gateProblem{*newProblem(problem.Of(failed, problem.Table()), failed.Error()), newGate(&failed.Verdict)}
}

// describeGate describes the member that a refused activation adds to its problem.
func describeGate(api *huma.OpenAPI) {
	refused := api.Paths[apiPrefix+"/runs/{id}/activate"].Post.Responses["409"]
	refused.Description = "The run is not finished, or its model did not pass the forgetting gate"
	refused.Content["application/problem+json"] = &huma.MediaType{
		Schema: api.Components.Schemas.Schema(reflect.TypeFor[gateProblem](), true, "GateProblem"),
	}
}
