package web

import (
	"context"
	"log/slog"
	"net/http"
	"regexp"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5/middleware"

	"polylens/indexer/catalog"
)

// event is one line of the audit log.
type event struct {
	operation  string
	who        *rights // where the request does not say it yet
	status     int     // 0: it has only begun
	collection string
	subject    string // ID of the job, run or key
	reason     string
}

// plainID is an ID that is worth a line. What else stands in an address is not written: it
// may be anything, also a secret in the wrong place.
var plainID = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// audit writes who did what, from where, and how that ended. Nothing that was looked for
// and no secret is ever among it.
func (s *server) audit(r *http.Request, e event) {
	who := callerOf(r.Context())
	if e.who != nil {
		who.rights = e.who
	}
	attributes := append(who.attributes(), slog.String("address", r.RemoteAddr), slog.String("operation", e.operation))
	for name, value := range map[string]string{"collection": e.collection, "id": e.subject, "reason": e.reason} {
		if value != "" {
			attributes = append(attributes, slog.String(name, value))
		}
	}
	attributes = append(attributes, slog.String("outcome", outcome(e.status)))
	if e.status != 0 {
		attributes = append(attributes, slog.Int("status", e.status))
	}
	s.Audit.LogAttrs(context.WithoutCancel(r.Context()), slog.LevelInfo, "request", attributes...)
}

func outcome(status int) string {
	switch {
	case status == 0:
		return "begun"
	case status < http.StatusBadRequest:
		return "done"
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusTooManyRequests:
		return "refused"
	}
	return "failed"
}

// attributes say who a caller is.
func (c caller) attributes() []slog.Attr {
	var all []slog.Attr
	if c.rights != nil {
		all = append(all, slog.String("key", c.rights.key.ID), slog.String("via", c.rights.via))
	}
	if c.known {
		all = append(all, slog.Int("user", c.user))
	}
	return all
}

// audited writes a line for each operation but for small pictures, of which a page shows
// dozens, and for what follows of a session, which writes its own.
func (s *server) audited(ctx huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(ctx)
	next(ctx)
	status := ctx.Status()
	if seen, ok := w.(middleware.WrapResponseWriter); ok {
		status = seen.Status()
	}
	operation := ctx.Operation()
	if operation.OperationID == "get-thumbnail" && status < http.StatusBadRequest {
		return
	}
	e := event{operation: operation.OperationID, status: status}
	if name := collectionIn(r, ctx.Param("name")); catalog.ValidateCollectionName(name) == nil {
		e.collection = name
	}
	if id := ctx.Param("id"); operation.Tags[0] != "images" && plainID.MatchString(id) {
		e.subject = id
	}
	s.audit(r, e)
}

// auditKey writes what a new key is for.
func (s *server) auditKey(ctx context.Context, key catalog.Key) {
	attributes := append(callerOf(ctx).attributes(), slog.String("id", key.ID), slog.String("name", key.Name), slog.Any("scopes", key.Scopes))
	if key.Collections != nil {
		attributes = append(attributes, slog.Any("collections", key.Collections))
	}
	if !key.Expires.IsZero() {
		attributes = append(attributes, slog.Time("expires", key.Expires))
	}
	s.Audit.LogAttrs(ctx, slog.LevelInfo, "new key", attributes...)
}
