package web

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"regexp"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5/middleware"

	"polylens/indexer/catalog"
)

// event is one line of the audit log.
type event struct {
	operation  string
	request    string  // tells the lines of one that lasts from those of others
	who        *rights // where the request does not say it yet
	status     int     // 0: it has only begun
	broken     bool    // it ended before its answer did
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
	for _, field := range []struct{ name, value string }{
		{"request", e.request}, {"collection", e.collection}, {"id", e.subject}, {"reason", e.reason}, {"outcome", e.outcome()},
	} {
		if field.value != "" {
			attributes = append(attributes, slog.String(field.name, field.value))
		}
	}
	if e.status != 0 {
		attributes = append(attributes, slog.Int("status", e.status))
	}
	s.Audit.LogAttrs(context.WithoutCancel(r.Context()), slog.LevelInfo, "request", attributes...)
}

func (e event) outcome() string {
	switch {
	case e.status == 0:
		return "begun"
	case e.broken:
		return "failed"
	case e.status < http.StatusBadRequest:
		return "done"
	case e.status == http.StatusUnauthorized, e.status == http.StatusForbidden, e.status == http.StatusTooManyRequests:
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

// eventOf is the line about an operation.
func eventOf(ctx huma.Context) event {
	operation := ctx.Operation()
	e := event{operation: operation.OperationID}
	if name := collectionIn(ctx); catalog.ValidateCollectionName(name) == nil {
		e.collection = name
	}
	if id := ctx.Param("id"); operation.Tags[0] != "images" && plainID.MatchString(id) {
		e.subject = id
	}
	return e
}

// lasts reports whether an operation reads a body for longer than others do: that it has
// begun gets a line of its own, which is left when the server does not live to see its end.
func lasts(r *http.Request, o *huma.Operation) bool { return isPush(r) || laneOf(o) == laneUploads }

// begun audits that something begins that lasts.
func (s *server) begun(r *http.Request, e *event) {
	e.request = rand.Text()[:12]
	s.audit(r, *e)
}

// ended audits how something ended, also in a panic. Small pictures, of which a page shows
// dozens, are left out.
func (s *server) ended(w http.ResponseWriter, r *http.Request, e event, whole bool) {
	if seen, ok := w.(middleware.WrapResponseWriter); ok {
		e.status = seen.Status()
	}
	e.broken = !whole
	switch {
	case e.status == 0 && whole: // nothing else takes the connection over
		e.status = http.StatusSwitchingProtocols
	case e.status == 0:
		e.status = http.StatusInternalServerError
	case e.operation == "get-thumbnail" && e.status < http.StatusBadRequest && whole:
		return
	}
	s.audit(r, e)
}

// auditKey writes what a new key is for.
func (s *server) auditKey(ctx context.Context, key catalog.Key) {
	attributes := append(callerOf(ctx).attributes(), slog.String("operation", "new-key"), slog.String("id", key.ID), slog.String("name", key.Name), slog.Any("scopes", key.Scopes))
	if key.Collections != nil {
		attributes = append(attributes, slog.Any("collections", key.Collections))
	}
	if !key.Expires.IsZero() {
		attributes = append(attributes, slog.Time("expires", key.Expires))
	}
	s.Audit.LogAttrs(ctx, slog.LevelInfo, "new key", append(attributes, slog.String("outcome", "done"))...)
}
