package web

import (
	"context"
	"net/http"
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
	info.Folders = callerOf(ctx).host
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
	if err := s.Ready(ctx); err != nil {
		w.Header().Set("Retry-After", retryAfter)
		writeProblem(w, newProblem(kindUnavailable, "not ready: "+err.Error()))
		return
	}
	writeText(w, "ready\n")
}

func writeText(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(text))
}
