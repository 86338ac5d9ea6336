package problem

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"polylens/indexer/catalog"
	"polylens/internal/disk"
	"polylens/internal/patient"
	"polylens/search"
)

// Prefix begins the type of every problem. The rest of the type is stable:
// clients may depend on it.
const Prefix = "urn:polylens:problem:"

// Exit codes, the same for every command.
const (
	ExitSuccess     = 0
	ExitFailure     = 1
	ExitUsage       = 2
	ExitNotSetUp    = 3
	ExitUnavailable = 4
	ExitNotFound    = 5
	ExitIncomplete  = 6
	ExitInterrupted = 130
)

// Kind is a cause of failure that clients and scripts can tell apart.
type Kind struct {
	Name   string // ends the type of the problem; "" for what no request can meet
	Status int    // of HTTP
	Exit   int    // of the command line
	Words  string // shown instead of the error's own, which may reveal too much; "" for those
}

// Row says which kind an error is.
type Row struct {
	Err  error // as errors.Is finds it
	Kind Kind
}

// Internal is a failure that nobody foresaw. It is logged and not shown.
var Internal = Kind{Name: "internal", Status: http.StatusInternalServerError, Exit: ExitFailure,
	Words: "something went wrong inside Polylens; its log says what"}

// Invalid is a request that cannot be carried out.
var Invalid = Kind{Name: "invalid-request", Status: http.StatusUnprocessableEntity, Exit: ExitFailure}

// BadPicture is a picture that cannot be used.
var BadPicture = Kind{Name: "picture-not-usable", Status: http.StatusUnprocessableEntity, Exit: ExitFailure}

// Kinds of failure that are found at the API's border, before any room is asked.
var (
	Canceled = Kind{Name: "request-canceled", Status: 499, Exit: ExitInterrupted, Words: "the client went away"}
	NotFound = Kind{Name: "not-found", Status: http.StatusNotFound, Exit: ExitNotFound}
)

// Table is every error of the domain, the more special first.
func Table() []Row {
	return []Row{
		{disk.ErrFull, Kind{"disk-full", http.StatusInsufficientStorage, ExitUnavailable, ""}},
		{patient.ErrSilent, Kind{"files-silent", http.StatusServiceUnavailable, ExitUnavailable, ""}},
		{catalog.ErrDamaged, Kind{"catalogue-damaged", http.StatusInternalServerError, ExitFailure, ""}},
		{search.ErrModelMismatch, Kind{"model-mismatch", http.StatusConflict, ExitFailure, ""}},
		{catalog.ErrForgotten, Kind{"forgetting-gate", http.StatusConflict, ExitFailure, ""}},
		{catalog.ErrCollectionNotFound, Kind{"collection-not-found", http.StatusNotFound, ExitNotFound, ""}},
		{catalog.ErrImageNotFound, Kind{"image-not-found", http.StatusNotFound, ExitNotFound, ""}},
		{catalog.ErrNotFound, NotFound},
		{catalog.ErrDiscarded, Kind{"original-discarded", http.StatusGone, ExitNotFound, ""}},
		{catalog.ErrChanged, Kind{"picture-changed", http.StatusConflict, ExitFailure, ""}},
		{catalog.ErrPicture, BadPicture},
		{catalog.ErrConflict, Kind{"conflict", http.StatusConflict, ExitFailure, ""}},
		{catalog.ErrInvalid, Invalid},
		{search.ErrUnavailable, Kind{"unavailable", http.StatusServiceUnavailable, ExitUnavailable, ""}},
		{catalog.ErrBusy, Kind{"busy", http.StatusServiceUnavailable, ExitUnavailable, ""}},
		{catalog.ErrUnavailable, Kind{"catalogue-unavailable", http.StatusServiceUnavailable, ExitUnavailable, ""}},
		{context.DeadlineExceeded, Kind{"timeout", http.StatusGatewayTimeout, ExitFailure, "the answer took too long; try again"}},
	}
}

// Of returns the kind of an error by a table, Internal for an error that is not in it.
func Of(err error, table []Row) Kind {
	for _, row := range table {
		if errors.Is(err, row.Err) {
			return row.Kind
		}
	}
	return Internal
}

// Error turns a problem that a server answered into an error that errors.Is
// recognizes as the domain's, and that shows the words of the problem alone. A type
// that the table does not know gives an error with those words.
func Error(problemType, words string) error {
	name, _ := strings.CutPrefix(problemType, Prefix)
	for _, row := range Table() {
		if row.Kind.Name == name {
			return answered{words, row.Err}
		}
	}
	return errors.New(words)
}

// answered is an error of the domain that came over the network.
type answered struct {
	words string
	err   error
}

// Error implements error.
func (a answered) Error() string { return a.words }

// Unwrap lets errors.Is find the error of the domain.
func (a answered) Unwrap() error { return a.err }
