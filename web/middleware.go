package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

// operationLimit bounds every API call. Uploads are read within it too.
const operationLimit = 90 * time.Second

// pagePolicy lets the page load nothing but its own files, and pictures that
// the user dropped on it.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; " +
	"img-src 'self' blob: data:; connect-src 'self'; manifest-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// secured sets the headers that every answer carries.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", pagePolicy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		if strings.HasPrefix(r.URL.Path, "/api/") {
			header.Set("Cache-Control", "no-store")
		}
		next.ServeHTTP(w, r)
	})
}

// hostChecked refuses host names that are not this server's: a page elsewhere whose
// name resolves to an address of this machine must not read the collection.
func (s *server) hostChecked(next http.Handler) http.Handler {
	allowed := append(slices.Clone(s.AllowedHosts), "localhost", "127.0.0.1", "::1")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostName(r.Host)
		isAllowed := slices.ContainsFunc(allowed, func(one string) bool { return isSameHost(one, host) })
		if isAllowed = isAllowed || s.door.guests.Keys && isOwnAddress(r, host); !isAllowed {
			refuse(w, r, newProblem(kindMisdirected, fmt.Sprintf(
				"this server does not answer for the host %q; open it as %s, or let it have that name with --allowed-host", host, allowed[0])))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isOwnAddress reports whether a host is the address by which the request came: a page
// elsewhere has a name.
func isOwnAddress(r *http.Request, host string) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	address, err := netip.ParseAddr(host)
	return ok && err == nil && local.AddrPort().Addr().Unmap() == address.Unmap()
}

// isSameHost compares two names or addresses; an address may be written in several ways.
func isSameHost(a, b string) bool {
	first, err := netip.ParseAddr(a)
	second, failed := netip.ParseAddr(b)
	if err == nil && failed == nil {
		return first == second
	}
	return strings.EqualFold(a, b)
}

// hostName is a Host header without port and brackets.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}

// originChecked refuses changes that a page of another origin asks for.
func (s *server) originChecked() func(http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse(w, r, newProblem(kindCrossOrigin, "a page of another origin may not change anything here"))
	}))
	return protection.Handler
}

// limitTime gives every operation a deadline, for its work and its answer. A push, or
// a piece of an upload, has as long as its body takes to arrive, as long as that comes steadily.
func limitTime(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isPush(r) || isPiece(r) {
			next.ServeHTTP(w, r)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), operationLimit)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// recovered turns a panic into a problem and logs where it came from.
func (s *server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if err, ok := cause.(error); ok && (errors.Is(err, http.ErrAbortHandler) || isGone(err) || errors.Is(err, os.ErrDeadlineExceeded)) {
				panic(http.ErrAbortHandler) // nobody reads the answer any more
			}
			s.Logger.ErrorContext(r.Context(), "panic while answering", "path", plainPath(r),
				"cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
			refuse(w, r, newProblem(kindInternal, kindInternal.Words))
		}()
		next.ServeHTTP(w, r)
	})
}

// logged writes one line for each request. Queries stay out of it: what people
// search for is their own business.
func (s *server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		seen := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		defer func() {
			level := slog.LevelDebug
			if seen.Status() >= http.StatusInternalServerError {
				level = slog.LevelWarn
			}
			s.Logger.Log(r.Context(), level, "request", "method", r.Method, "path", plainPath(r),
				"status", seen.Status(), "bytes", seen.BytesWritten(), "duration", time.Since(start))
		}()
		next.ServeHTTP(seen, r)
	})
}

// keyLike finds keys in what should hold none.
var keyLike = regexp.MustCompile(`polylens_[a-z0-9]+_[a-z0-9]+`)

// plainPath is the path of a request for the log, without a key that somebody has put
// there by mistake.
func plainPath(r *http.Request) string { return keyLike.ReplaceAllString(r.URL.Path, "polylens_…") }

// methodNotAllowed answers 405 with the methods that the path allows.
func methodNotAllowed(router chi.Routes) http.HandlerFunc {
	methods := []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	return func(w http.ResponseWriter, r *http.Request) {
		var allowed []string
		for _, method := range methods {
			if router.Match(chi.NewRouteContext(), method, r.URL.Path) {
				allowed = append(allowed, method)
			}
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		refuse(w, r, newProblem(kindMethod, r.Method+" does nothing here; allowed: "+strings.Join(allowed, ", ")))
	}
}

// notFound answers requests that match no route: problems under the API, the page
// for its own deep links, 404 for the rest.
func notFound(page http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
			refuse(w, r, newProblem(kindNotFound, "nothing is at "+r.URL.Path))
			return
		}
		page.ServeHTTP(w, r)
	}
}
