package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"polylens/indexer/catalog"
)

// requirement says who may do something, besides those whom the door lets in without any
// credentials: they may do everything.
type requirement struct {
	scopes  []catalog.Scope // of a key: each by itself is enough, and so is admin
	tenants bool            // so are tokens for searches, within their filter
	whole   bool            // but only of keys for all collections
	open    bool            // everybody, also without credentials
}

func keysFor(scopes ...catalog.Scope) requirement { return requirement{scopes: scopes} }

// forTenants lets tokens for searches do it, too.
func (r requirement) forTenants() requirement { r.tenants = true; return r }

// forWhole is for what touches all collections at once.
func (r requirement) forWhole() requirement { r.whole = true; return r }

// requirements is the one table of who may do what, by the ID of the operation. What is
// not in it, no key may do. Operations whose path names a collection are also refused to
// keys that are not for it; what lists collections, jobs and runs shows those that the key
// is for.
var requirements = map[string]requirement{
	"get-info":     keysFor(catalog.Scopes()...).forTenants(),
	"describe-api": keysFor(catalog.Scopes()...).forTenants(),
	"ready":        keysFor(catalog.Scopes()...),

	"list-collections": keysFor(catalog.ScopeSearch, catalog.ScopeIndex, catalog.ScopeTrain),
	"get-collection":   keysFor(catalog.ScopeSearch, catalog.ScopeIndex, catalog.ScopeTrain),
	"list-images":      keysFor(catalog.ScopeSearch, catalog.ScopeIndex),
	"get-image":        keysFor(catalog.ScopeSearch, catalog.ScopeIndex).forTenants(),
	"get-thumbnail":    keysFor(catalog.ScopeSearch, catalog.ScopeIndex).forTenants(),
	"get-original":     keysFor(catalog.ScopeSearch, catalog.ScopeIndex).forTenants(),
	// Documents. What a push may name by path or by key is for whoever started the server
	// to say.
	"create-image":   keysFor(catalog.ScopeIndex),
	"put-image":      keysFor(catalog.ScopeIndex),
	"patch-image":    keysFor(catalog.ScopeIndex),
	"delete-image":   keysFor(catalog.ScopeIndex),
	"delete-images":  keysFor(catalog.ScopeIndex),
	"known-contents": keysFor(catalog.ScopeIndex),
	// Uploads, which the pushes of their collection may use.
	"describe-uploads": keysFor(catalog.ScopeIndex),
	"create-upload":    keysFor(catalog.ScopeIndex),
	"get-upload":       keysFor(catalog.ScopeIndex),
	"append-upload":    keysFor(catalog.ScopeIndex),
	"delete-upload":    keysFor(catalog.ScopeIndex),
	// Searches.
	"search":            keysFor(catalog.ScopeSearch).forTenants(),
	"query":             keysFor(catalog.ScopeSearch).forTenants(),
	"search-by-picture": keysFor(catalog.ScopeSearch).forTenants(),
	// Changes of collections.
	"create-collection": keysFor(catalog.ScopeIndex),
	"rename-collection": keysFor(catalog.ScopeIndex),
	"delete-collection": keysFor(catalog.ScopeIndex),
	"list-failures":     keysFor(catalog.ScopeIndex),
	"create-job":        keysFor(catalog.ScopeIndex),
	"create-check":      keysFor(catalog.ScopeIndex),
	"create-rest-check": keysFor(catalog.ScopeIndex).forWhole(),
	// Folders that collections are kept in step with. What names one, or has one looked into,
	// is refused to keys by its handler.
	"create-source": keysFor(catalog.ScopeIndex),
	"list-sources":  keysFor(catalog.ScopeIndex),
	"get-source":    keysFor(catalog.ScopeIndex),
	"change-source": keysFor(catalog.ScopeIndex),
	"delete-source": keysFor(catalog.ScopeIndex),
	"scan-source":   keysFor(catalog.ScopeIndex),
	// Jobs; steerable asks for the scope of their kind.
	"list-jobs":        keysFor(catalog.ScopeIndex, catalog.ScopeTrain),
	"get-job":          keysFor(catalog.ScopeIndex, catalog.ScopeTrain),
	"list-items":       keysFor(catalog.ScopeIndex),
	"watch-jobs":       keysFor(catalog.ScopeIndex, catalog.ScopeTrain),
	"cancel-job":       keysFor(catalog.ScopeIndex, catalog.ScopeTrain),
	"pause-job":        keysFor(catalog.ScopeIndex, catalog.ScopeTrain),
	"resume-job":       keysFor(catalog.ScopeIndex, catalog.ScopeTrain),
	"retry-job":        keysFor(catalog.ScopeIndex, catalog.ScopeTrain),
	"retry-failed-job": keysFor(catalog.ScopeIndex),
	// Trainings.
	"list-runs":      keysFor(catalog.ScopeTrain),
	"get-run":        keysFor(catalog.ScopeTrain),
	"get-run-points": keysFor(catalog.ScopeTrain),
	"watch-runs":     keysFor(catalog.ScopeTrain),
	"create-run":     keysFor(catalog.ScopeTrain), // but its handler refuses keys: what a run learns from may be files of the server
	"resume-run":     keysFor(catalog.ScopeTrain),
	"stop-run":       keysFor(catalog.ScopeTrain),
	"delete-run":     keysFor(catalog.ScopeTrain),
	"activate-run":   keysFor(catalog.ScopeTrain).forWhole(),
	"roll-back-run":  keysFor(catalog.ScopeTrain).forWhole(),
	// Keys.
	"list-keys":  keysFor(catalog.ScopeAdmin),
	"create-key": keysFor(catalog.ScopeAdmin),
	"revoke-key": keysFor(catalog.ScopeAdmin),
	// Signing in, which needs a key, and out.
	"create-session": {open: true},
	"delete-session": {open: true},
}

// allowed lets callers do what they may, and audits what they ask.
func (s *server) allowed(ctx huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(ctx)
	err := mayDo(r.Context(), ctx.Operation().OperationID, collectionIn(ctx))
	s.audited(w, r, eventOf(ctx), err, lasts(r, ctx.Operation()), func() { next(ctx) })
}

// collectionIn is the collection that an operation is about, by its path; empty without one.
func collectionIn(ctx huma.Context) string {
	name := ctx.Param("name")
	if !strings.HasPrefix(ctx.Operation().Path, apiPrefix+"/collections/") {
		return ""
	}
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	return name
}

// asOperation lets a handler that is no operation be asked by those who may. It lasts if it
// watches.
func (s *server) asOperation(id string, handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := mayDo(r.Context(), id, "")
		s.audited(w, r, event{operation: id}, err, strings.HasPrefix(id, "watch-"), func() { handler(w, r) })
	}
}

// audited does something unless it is refused, and audits that.
func (s *server) audited(w http.ResponseWriter, r *http.Request, e event, refused error, lasts bool, do func()) {
	whole := false
	defer func() { s.ended(w, r, e, whole) }()
	switch {
	case refused != nil:
		s.refuse(w, r, refused)
	case lasts:
		s.begun(r, &e)
		do()
	default:
		do()
	}
	whole = true
}

// mayDo is nil if the caller may do something, which is about a collection or, with an
// empty name, about none.
func mayDo(ctx context.Context, operation, about string) error {
	who := callerOf(ctx).rights
	needed, known := requirements[operation]
	switch {
	case who == nil || needed.open:
		return nil
	case !known:
		return newProblem(kindNotAllowed, "no key may do this")
	case who.within != nil && !needed.tenants:
		return newProblem(kindNotAllowed, "tokens are for searches alone, and this is none")
	case !who.key.Has(needed.scopes...):
		return lacksScope(needed.scopes)
	case needed.whole && who.collections != nil:
		return newProblem(kindNotAllowed, "this concerns all collections, and the key is only for some")
	case about != "" && !who.allows(about):
		return newProblem(kindNotAllowed, notFor(about))
	}
	return nil
}

func notFor(collection string) string {
	return fmt.Sprintf("these credentials are not for the collection %.80q", collection)
}

// checkCollection refuses a collection, named elsewhere than in the path, that the
// caller's credentials are not for.
func checkCollection(ctx context.Context, name string) error {
	if who := callerOf(ctx).rights; who != nil && !who.allows(name) {
		return newProblem(kindNotAllowed, notFor(name))
	}
	return nil
}

// describeAccess says of each operation which credentials it takes.
func (s *server) describeAccess(api *huma.OpenAPI) {
	api.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"key":     {Type: "http", Scheme: "bearer", Description: "An API key, or a token for searches that is signed with one. The roles beside it are scopes: each by itself is enough, and admin always is"},
		"session": {Type: "apiKey", In: "cookie", Name: cookieName, Description: "What POST " + apiPrefix + "/session answers to a key; over TLS its name begins with __Host-"},
	}
	for _, item := range api.Paths {
		for _, o := range operationsOf(item) {
			if o == nil {
				continue
			}
			if needed, ok := requirements[o.OperationID]; ok && !needed.open {
				o.Security = needed.security(s.door.guests.Keys)
			}
		}
	}
}

// security is a requirement as OpenAPI writes it. Where the door lets some in without
// credentials, none may be enough.
func (needed requirement) security(always bool) []map[string][]string {
	var all []map[string][]string
	if !always {
		all = append(all, map[string][]string{})
	}
	for _, scope := range needed.scopes {
		all = append(all, map[string][]string{"key": {string(scope)}}, map[string][]string{"session": {string(scope)}})
	}
	return all
}
