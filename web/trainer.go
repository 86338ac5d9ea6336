package web

import (
	"context"
	"fmt"
	"strings"
)

// Runs keeps trainings and their curves. Unknown runs are ErrNotFound.
type Runs interface {
	// Runs answers a page, newest first, and the cursor of the next one. An
	// empty collection means all.
	Runs(ctx context.Context, collection, cursor string, limit int) (runs []Run, next string, err error)
	Run(ctx context.Context, id string) (Run, error)
	// Series answers curves by name; names without points are left out.
	Series(ctx context.Context, id string, choice PointChoice) ([]Series, error)
	// DeleteRun removes a run, its curves and its checkpoints, not the model that
	// it wrote. ErrConflict when it is trained, or searches use its model.
	DeleteRun(ctx context.Context, id string) error
	// Watch calls changed, which returns at once, with news of every run until
	// stop is called. It holds what it is given only to read.
	Watch(changed func(RunChange)) (stop func())
}

// PointChoice chooses points of curves.
type PointChoice struct {
	Names []string // all when empty
	From  int64    // only points of this step and later ones
	Most  int      // points of each curve; 0 for all
}

// Trainer trains models, in the background. Its methods answer as soon as what
// they ask for has begun; how it ends shows in the run. Unknown runs are
// ErrNotFound, what the state of a run does not allow ErrConflict.
type Trainer interface {
	// Start checks an order and queues a run. A mistake in the order is
	// ErrInvalid.
	Start(ctx context.Context, order RunOrder) (Run, error)
	// Resume goes on with a stopped, failed or interrupted run, from its last
	// checkpoint.
	Resume(ctx context.Context, id string) (Run, error)
	// Stop ends a run after its present step, and a checkpoint.
	Stop(ctx context.Context, id string) (Run, error)
	// Activate lets searches use the model of a finished run, once its index is
	// complete. A model that did not pass the forgetting gate is a GateError
	// unless force is given.
	Activate(ctx context.Context, id string, force bool) (Run, error)
	// RollBack lets searches use the model again that they used before an
	// activated run.
	RollBack(ctx context.Context, id string) (Run, error)
}

// RunOrder is what a run shall do.
type RunOrder struct {
	Name       string
	Collection string         // whose pairs to learn from; empty when Config names data
	Config     map[string]any // as in the file that polylens train reads
}

// GateError says that a model forgot more than is allowed.
type GateError struct{ Gate Gate }

// Error names the languages.
func (e *GateError) Error() string {
	var lost []string
	for _, l := range e.Gate.Languages {
		if l.Forgotten {
			lost = append(lost, fmt.Sprintf("%s lost %.2f points of R@5, at most %.2f are allowed", l.Language, l.Lost, l.Allowed))
		}
	}
	return "the model forgot too much: " + strings.Join(lost, "; ") + "; force activates it nevertheless"
}

// noRuns is Runs where none are kept.
type noRuns struct{}

func (noRuns) Runs(context.Context, string, string, int) ([]Run, string, error) { return nil, "", nil }

func (noRuns) Run(_ context.Context, id string) (Run, error) {
	return Run{}, fmt.Errorf("run %.80q: %w", id, ErrNotFound)
}

func (n noRuns) Series(ctx context.Context, id string, _ PointChoice) ([]Series, error) {
	_, err := n.Run(ctx, id)
	return nil, err
}

func (n noRuns) DeleteRun(ctx context.Context, id string) error {
	_, err := n.Run(ctx, id)
	return err
}

func (noRuns) Watch(func(RunChange)) (stop func()) { return func() {} }
