package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"polylens/indexer/catalog"
	"polylens/search"
	"polylens/web/problem"
)

// kind is a cause of failure that only the API's border knows; those of the
// domain are in package problem.
func kind(name string, status int) problem.Kind { return problem.Kind{Name: name, Status: status} }

var (
	kindInvalid      = problem.Invalid
	kindNotFound     = problem.NotFound
	kindInternal     = problem.Internal
	kindUnavailable  = problem.Of(search.ErrUnavailable, problem.Table())
	kindBusy         = problem.Of(catalog.ErrBusy, problem.Table())
	kindNoTrainer    = kind("no-trainer", http.StatusNotImplemented)
	kindForbidden    = kind("forbidden", http.StatusForbidden)
	kindNoKey        = kind("key-needed", http.StatusUnauthorized)
	kindKeyWrong     = kind("key-refused", http.StatusUnauthorized)
	kindNotAllowed   = kind("key-forbids", http.StatusForbidden)
	kindTooMany      = kind("too-many-requests", http.StatusTooManyRequests)
	kindStranger     = kind("other-user", http.StatusForbidden)
	kindNoFolder     = kind("folder-not-usable", http.StatusUnprocessableEntity)
	kindBadPicture   = problem.BadPicture
	kindTooLarge     = kind("too-large", http.StatusRequestEntityTooLarge)
	kindLongAddress  = kind("address-too-long", http.StatusRequestURITooLong)
	kindTooSlow      = kind("request-timeout", http.StatusRequestTimeout)
	kindUnreadable   = kind("request-unreadable", http.StatusBadRequest)
	kindNoBody       = kind(problem.Invalid.Name, http.StatusBadRequest)
	kindMisdirected  = kind("wrong-host", http.StatusMisdirectedRequest)
	kindCrossOrigin  = kind("cross-origin", http.StatusForbidden)
	kindEncoding     = kind("unsupported-media-type", http.StatusUnsupportedMediaType)
	kindMethod       = kind("method-not-allowed", http.StatusMethodNotAllowed)
	kindUnderWay     = kind("idempotency-key-in-use", http.StatusConflict)
	kindOtherRequest = kind("idempotency-key-reused", http.StatusUnprocessableEntity)
	kindTusVersion   = kind("tus-version", http.StatusPreconditionFailed)
	kindUploadLocked = kind("upload-locked", http.StatusLocked)
)

func newProblem(k problem.Kind, detail string) *huma.ErrorModel {
	title := http.StatusText(k.Status)
	if title == "" {
		title = "Request canceled"
	}
	return &huma.ErrorModel{Type: problem.Prefix + k.Name, Title: title, Status: k.Status, Detail: detail}
}

// itemProblem is the problem with an item of a push, by its name.
func itemProblem(name, detail string) *huma.ErrorModel {
	for _, row := range problem.Table() {
		if row.Kind.Name == name {
			return newProblem(row.Kind, detail)
		}
	}
	return newProblem(problem.Kind{Name: name, Status: http.StatusUnprocessableEntity}, detail)
}

// problemOf finds the problem for an error of the rooms behind the API. Unforeseen
// errors are logged and not shown.
func problemOf(ctx context.Context, logger *slog.Logger, err error) error {
	var (
		status    huma.StatusError
		forgotten *catalog.ForgottenError
	)
	if errors.As(err, &status) {
		return err
	}
	if errors.As(err, &forgotten) {
		return newGateProblem(forgotten)
	}
	found := kindOf(ctx, err)
	logFailure(ctx, logger, found, err)
	answer := newProblem(found, cmp.Or(found.Words, err.Error()))
	if found.Status == http.StatusServiceUnavailable {
		return later(answer)
	}
	return answer
}

// later is a problem that may be over soon.
func later(answer *huma.ErrorModel) error {
	return huma.ErrorWithHeaders(answer, http.Header{"Retry-After": {retryAfter}})
}

// kindOf finds the kind of an error. What fails once the client has gone, or the time is
// over, fails for that, whatever it says.
func kindOf(ctx context.Context, err error) problem.Kind {
	found := problem.Of(err, problem.Table())
	switch {
	case errors.Is(ctx.Err(), context.Canceled) && (errors.Is(err, context.Canceled) || found.Status >= http.StatusInternalServerError):
		return problem.Canceled
	case found == problem.Internal && ctx.Err() != nil:
		return problem.Of(ctx.Err(), problem.Table())
	}
	return found
}

// logFailure logs a failure that is the server's fault.
func logFailure(ctx context.Context, logger *slog.Logger, found problem.Kind, err error) {
	switch {
	case found == problem.Internal:
		logger.ErrorContext(ctx, "internal error", "error", err)
	case found.Status >= http.StatusInternalServerError:
		logger.WarnContext(ctx, found.Name, "error", err)
	}
}

// writeProblem answers with a problem outside the operations that huma runs.
func writeProblem(w http.ResponseWriter, answer *huma.ErrorModel) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(answer.Status)
	_ = json.NewEncoder(w).Encode(answer) // the client may be gone
}

// longestEcho bounds what a problem repeats of a request, in bytes.
const longestEcho = 200

// completeProblem gives a type to the problems that huma makes by itself.
func completeProblem(_ huma.Context, _ string, v any) (any, error) {
	made, ok := v.(*huma.ErrorModel)
	if !ok || made.Type != "" {
		return v, nil
	}
	name := kindInvalid.Name
	switch made.Status {
	case http.StatusRequestEntityTooLarge:
		name = kindTooLarge.Name
	case http.StatusRequestTimeout:
		name = kindTooSlow.Name
	case http.StatusUnsupportedMediaType:
		name = kindEncoding.Name
		made.Detail = "the body is of a type that nothing here reads: send JSON, and with it the header “Content-Type: application/json”"
	case http.StatusNotAcceptable:
		name = "not-acceptable"
	case http.StatusInternalServerError:
		name = kindInternal.Name
		made.Detail, made.Errors = kindInternal.Words, nil
	}
	made.Type = problem.Prefix + name
	for _, detail := range made.Errors {
		if text, ok := detail.Value.(string); ok && len(text) > longestEcho {
			detail.Value = strings.ToValidUTF8(text[:longestEcho], "") + "…" // the client knows what it sent
		}
	}
	return made, nil
}
