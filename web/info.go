package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

type infoAnswer struct{ Body Info }

func (s *server) infoOperation(api huma.API) {
	huma.Register(api, operation("get-info", http.MethodGet, "/info", "server",
		"Get the version, the model and what clients may do"),
		func(ctx context.Context, _ *struct{}) (*infoAnswer, error) {
			return &infoAnswer{Body: s.info(ctx)}, nil
		})
}

func (s *server) info(ctx context.Context) Info {
	info := s.Info
	who := callerOf(ctx)
	info.Folders, info.Access = who.host, accessOf(who.rights)
	if !who.rights.allows(info.Demo) {
		info.Demo = ""
	}
	if s.Model != nil {
		info.Model = s.Model()
	}
	return info
}

// alive says that the process serves requests.
func (s *server) alive(w http.ResponseWriter, _ *http.Request) {
	writeText(w, "alive\n")
}

// ready says whether searches can be answered.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	err := s.Ready(ctx)
	var lost string
	if err == nil && s.Losses != nil && s.Losses.AnyLost() {
		lost, err = s.lost(ctx)
	}
	if err != nil {
		w.Header().Set("Retry-After", retryAfter)
		writeProblem(w, newProblem(kindUnavailable, "not ready: "+err.Error()))
		return
	}
	writeText(w, "ready\n"+lost)
}

// lost says, a line each, of which collections nothing can be found. It fails if that is
// so of all that hold anything.
func (s *server) lost(ctx context.Context) (string, error) {
	collections, err := s.Catalog.Collections(ctx)
	if err != nil {
		return "", err
	}
	var lines strings.Builder
	whole := 0
	for _, c := range collections {
		if !callerOf(ctx).rights.allows(c.Name) {
			continue
		}
		collection, err := s.newCollection(ctx, c)
		switch rebuild := collection.Rebuild; {
		case err != nil:
			return "", err
		case rebuild != nil:
			fmt.Fprintf(&lines, "the index of collection %q was lost and is filled again: %d of %d images\n", c.Name, rebuild.Done, rebuild.Total)
		case c.Images > 0:
			whole++
		}
	}
	if whole == 0 && lines.Len() > 0 {
		return "", errors.New(strings.ReplaceAll(strings.TrimSpace(lines.String()), "\n", "; "))
	}
	return lines.String(), nil
}

func writeText(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(text))
}
