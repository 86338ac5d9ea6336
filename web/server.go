package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"polylens/indexer/catalog"
	"polylens/internal/peer"

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
	door  door
	close func()
}

// Close ends the live connections and the watch over jobs and runs.
func (h *Handler) Close() { h.close() }

// Places that are no operations of the API.
const (
	readyPath       = "/readyz"
	descriptionPath = "/openapi.json"
)

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
	s := &server{
		Config: config, door: newDoor(config.Guests, config.Owner),
		jobs: newJobHub(), runs: newRunHub(), answers: newAnswers(config.Limits.Answers),
		bodies: newBudget(config.Limits.Bodies), lanes: newLanes(config.Limits),
		sessions: newSessions(), rates: newRates(), wrong: newRates(),
	}
	if s.tus, err = newTus(s); err != nil {
		return nil, err
	}
	router := chi.NewRouter()
	router.Use(s.logged, s.recovered, secured, s.admitted, s.hostChecked, s.originChecked(), textChecked, middleware.GetHead)
	router.NotFound(notFound(page))
	router.MethodNotAllowed(methodNotAllowed(router))
	s.routes(router)
	router.Method(http.MethodGet, "/", page)
	return &Handler{Handler: router, door: s.door, close: s.watch()}, nil
}

// watch passes changes to live connections until stop is called, which ends
// them.
func (s *server) watch() (stop func()) {
	stopJobs := s.followJobs()
	stopRuns := s.Runs.WatchRuns(func(news catalog.RunNews) { s.runs.publish(newRunChange(news)) })
	return func() {
		stopJobs()
		stopRuns()
		s.jobs.close()
		s.runs.close()
		s.noting.Wait()
	}
}

// server carries what the operations share.
type server struct {
	Config
	door    door
	jobs    *hub[Job]
	runs    *hub[RunChange]
	answers *answers
	tus     *tus
	bodies  *budget // bytes of request bodies
	lanes   map[lane]*turns

	sessions *sessions
	rates    rates // of keys
	wrong    rates // of addresses from which wrong credentials come
	anyKey   anyKey
	noting   sync.WaitGroup // of the use of keys
}

// routes mounts everything but the page and answers the API's description.
func (s *server) routes(router chi.Router) *huma.OpenAPI {
	router.Get(alivePath, s.alive)
	router.Get(readyPath, s.asOperation("ready", s.byTurns(laneReads, s.ready)))
	router.Get(apiPrefix+"/jobs/events", s.asOperation("watch-jobs", s.byTurns(laneLive, s.watchJobs)))
	router.Get(apiPrefix+"/runs/events", s.asOperation("watch-runs", s.byTurns(laneLive, s.watchRuns)))
	router.Group(func(router chi.Router) {
		router.Use(limitTime)
		api := humachi.New(router, apiConfig(s.Info.Version))
		api.UseMiddleware(s.allowed, s.withBody, s.inTurn, s.answers.once, s.pushed)
		s.collectionOperations(api)
		s.failureOperations(api)
		s.imageOperations(api)
		s.documentOperations(api)
		s.uploadOperations(api)
		s.searchOperations(api)
		s.jobOperations(api)
		s.sourceOperations(api)
		s.runOperations(api)
		s.keyOperations(api)
		s.sessionOperations(api)
		s.infoOperation(api)
		describe(api.OpenAPI())
		s.describeAccess(api.OpenAPI())
		router.Get(descriptionPath, s.asOperation("describe-api", s.byTurns(laneReads, serveDescription(api.OpenAPI()))))
	})
	return nil
}

func (c *Config) check() error {
	missing := make([]string, 0)
	for name, absent := range map[string]bool{
		"Search": c.Search == nil, "Catalog": c.Catalog == nil, "Indexer": c.Indexer == nil,
		"Pictures": c.Pictures == nil, "Searchable": c.Searchable == nil,
		"Jobs": c.Jobs == nil, "Documents": c.Documents == nil, "Pushes": c.Pushes == nil, "Uploads": c.Uploads == nil, "Sources": c.Sources == nil, "Decode": c.Decode == nil, "Ready": c.Ready == nil,
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
	c.Limits = c.Limits.withDefaults()
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Runs == nil {
		c.Runs = noRuns{}
	}
	if c.Guests.Keys && c.Keys == nil {
		return errors.New("web: everybody needs a key, and config lacks Keys")
	}
	if c.Rate.PerSecond <= 0 {
		c.Rate = DefaultRate
	}
	if c.Audit == nil {
		c.Audit = slog.New(slog.DiscardHandler)
	}
	if c.Owner == nil {
		c.Owner = peer.Owner
	}
	return nil
}
