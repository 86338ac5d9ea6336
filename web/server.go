package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

const apiPrefix = "/api/v1"

// Handler serves the page, the API and the live progress. Close it after the
// server that uses it has shut down.
type Handler struct {
	http.Handler
	hub  *hub
	stop func()
}

// Close ends the live connections and the watch over tasks.
func (h *Handler) Close() {
	h.stop()
	h.hub.close()
}

// New builds the handler. It fails if a part of config is missing or the
// embedded page is incomplete.
func New(config Config) (*Handler, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	page, err := newPage()
	if err != nil {
		return nil, err
	}
	s := &server{Config: config, hub: newHub(), keys: newIdempotency()}
	router := chi.NewRouter()
	router.Use(s.logged, s.recovered, secured, s.hostChecked, s.originChecked(), middleware.GetHead)
	router.NotFound(notFound(page))
	router.MethodNotAllowed(methodNotAllowed(router))
	s.routes(router)
	router.Method(http.MethodGet, "/", page)
	return &Handler{Handler: router, hub: s.hub, stop: config.Tasks.Watch(s.hub.publish)}, nil
}

// server carries what the operations share.
type server struct {
	Config
	hub  *hub
	keys *idempotency
}

// routes mounts everything but the page and answers the API's description.
func (s *server) routes(router chi.Router) *huma.OpenAPI {
	router.Get("/healthz", s.alive)
	router.Get("/readyz", s.ready)
	router.Get(apiPrefix+"/tasks/events", s.watchTasks)
	router.Group(func(router chi.Router) {
		router.Use(limitTime, s.keys.once)
		api := humachi.New(router, apiConfig(s.Info.Version))
		s.collectionOperations(api)
		s.imageOperations(api)
		s.searchOperations(api)
		s.taskOperations(api)
		s.infoOperation(api)
		describe(api.OpenAPI())
		router.Get("/openapi.json", serveDescription(api.OpenAPI()))
	})
	return nil
}

func (c *Config) check() error {
	missing := make([]string, 0)
	for name, absent := range map[string]bool{
		"Search": c.Search == nil, "Catalog": c.Catalog == nil, "Pictures": c.Pictures == nil,
		"Tasks": c.Tasks == nil, "Decode": c.Decode == nil, "Ready": c.Ready == nil,
	} {
		if absent {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("web: config lacks %s", strings.Join(missing, ", "))
	}
	if c.MaxUploadBytes < 0 {
		return errors.New("web: MaxUploadBytes is negative")
	}
	if c.MaxUploadBytes == 0 {
		c.MaxUploadBytes = DefaultMaxUpload
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Info.Folders = c.AllowFolders
	return nil
}
