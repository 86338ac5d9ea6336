package web

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"polylens/search"
)

// problemPrefix begins the type of every problem (RFC 9457). The rest of the
// type is stable: clients may depend on it.
const problemPrefix = "urn:polylens:problem:"

// kind is a cause of failure that clients can tell apart.
type kind struct {
	name   string
	status int
}

var (
	kindInvalid       = kind{"invalid-request", http.StatusUnprocessableEntity}
	kindNotFound      = kind{"not-found", http.StatusNotFound}
	kindNoCollection  = kind{"collection-not-found", http.StatusNotFound}
	kindNoImage       = kind{"image-not-found", http.StatusNotFound}
	kindConflict      = kind{"conflict", http.StatusConflict}
	kindModelMismatch = kind{"model-mismatch", http.StatusConflict}
	kindGate          = kind{"forgetting-gate", http.StatusConflict}
	kindNoTrainer     = kind{"no-trainer", http.StatusNotImplemented}
	kindUnavailable   = kind{"unavailable", http.StatusServiceUnavailable}
	kindTimeout       = kind{"timeout", http.StatusGatewayTimeout}
	kindCanceled      = kind{"request-canceled", 499}
	kindInternal      = kind{"internal", http.StatusInternalServerError}
	kindForbidden     = kind{"forbidden", http.StatusForbidden}
	kindNoFolder      = kind{"folder-not-usable", http.StatusUnprocessableEntity}
	kindBadPicture    = kind{"picture-not-usable", http.StatusUnprocessableEntity}
	kindTooLarge      = kind{"too-large", http.StatusRequestEntityTooLarge}
	kindMisdirected   = kind{"wrong-host", http.StatusMisdirectedRequest}
	kindCrossOrigin   = kind{"cross-origin", http.StatusForbidden}
	kindMethod        = kind{"method-not-allowed", http.StatusMethodNotAllowed}
	kindKeyInUse      = kind{"idempotency-key-in-use", http.StatusConflict}
	kindKeyReused     = kind{"idempotency-key-reused", http.StatusUnprocessableEntity}
)

func newProblem(k kind, detail string) *huma.ErrorModel {
	title := http.StatusText(k.status)
	if title == "" {
		title = "Request canceled"
	}
	return &huma.ErrorModel{Type: problemPrefix + k.name, Title: title, Status: k.status, Detail: detail}
}

// problemOf finds the problem that an error of the parts behind the API is. What
// nobody foresaw is logged and not shown.
func problemOf(ctx context.Context, logger *slog.Logger, err error) error {
	var (
		invalid  *search.InvalidError
		mismatch *search.ModelMismatchError
		gate     *GateError
		status   huma.StatusError
	)
	switch {
	case errors.As(err, &status):
		return status
	case errors.As(err, &invalid), errors.Is(err, ErrInvalid):
		return newProblem(kindInvalid, err.Error())
	case errors.As(err, &mismatch):
		return newProblem(kindModelMismatch, err.Error())
	case errors.As(err, &gate):
		return newGateProblem(gate)
	case errors.Is(err, search.ErrCollectionNotFound):
		return newProblem(kindNoCollection, err.Error())
	case errors.Is(err, search.ErrImageNotFound):
		return newProblem(kindNoImage, err.Error())
	case errors.Is(err, ErrNotFound):
		return newProblem(kindNotFound, err.Error())
	case errors.Is(err, ErrConflict):
		return newProblem(kindConflict, err.Error())
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return newProblem(kindCanceled, "the client went away")
	case errors.Is(err, search.ErrUnavailable), errors.Is(err, ErrBusy):
		logger.WarnContext(ctx, "unavailable", "error", err)
		return newProblem(kindUnavailable, err.Error())
	case errors.Is(err, context.DeadlineExceeded):
		logger.WarnContext(ctx, "timeout", "error", err)
		return newProblem(kindTimeout, "the answer took too long; try again")
	}
	logger.ErrorContext(ctx, "internal error", "error", err)
	return newProblem(kindInternal, "something went wrong inside Polylens; its log says what")
}

// writeProblem answers outside of the operations that huma runs.
func writeProblem(w http.ResponseWriter, problem *huma.ErrorModel) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(problem.Status)
	_ = json.NewEncoder(w).Encode(problem) // the client may be gone
}

// completeProblem gives a type to the problems that huma itself makes.
func completeProblem(_ huma.Context, _ string, v any) (any, error) {
	problem, ok := v.(*huma.ErrorModel)
	if !ok || problem.Type != "" {
		return v, nil
	}
	name := kindInvalid.name
	switch problem.Status {
	case http.StatusRequestEntityTooLarge:
		name = kindTooLarge.name
	case http.StatusRequestTimeout:
		name = "request-timeout"
	case http.StatusUnsupportedMediaType:
		name = "unsupported-media-type"
	case http.StatusNotAcceptable:
		name = "not-acceptable"
	case http.StatusInternalServerError:
		name = kindInternal.name
		problem.Detail, problem.Errors = "something went wrong inside Polylens; its log says what", nil
	}
	problem.Type = problemPrefix + name
	return problem, nil
}
