package web

import (
	"context"
	"image"
	"io"
	"log/slog"
	"net"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/indexer/upload"
	"polylens/indexer/watch"
	"polylens/search"
)

// Config is what a server is made of. Every field without "optional" must be
// set.
type Config struct {
	Search   Searcher
	Catalog  Catalog
	Indexer  Indexer
	Pictures Pictures
	// Searchable reports whether searches of a collection are answered by the model
	// in use.
	Searchable func(catalog.Collection) bool
	Losses     Losses // optional: without it no index is ever lost
	Jobs       Jobs
	Documents  Documents
	Pushes     Pushes
	Uploads    Uploads
	Sources    Sources
	Runs       Runs    // optional: without it there are no runs
	Trainer    Trainer // optional: without it models are trained elsewhere
	// Decode makes a picture of an uploaded file within the limits of the
	// caller; release, which is never nil, gives back the memory that these count.
	// catalog.ErrBusy when none is free in time; other errors are shown to the user.
	Decode func(ctx context.Context, file []byte) (picture image.Image, release func(), err error)
	// Ready reports nil once searches can be answered.
	Ready func(ctx context.Context) error
	Info  Info
	// Model returns the model that searches use now; optional where it is always
	// the one in Info.
	Model  func() ModelInfo
	Logger *slog.Logger

	// AllowedHosts are the names and addresses (without port) that a request's Host
	// header may carry, besides those of the loopback interface. All others are refused:
	// a page elsewhere may have its own name resolve to this address (DNS rebinding).
	AllowedHosts []string
	// Guests may use the server besides its own user and root. Only these two may index
	// folders of the server, and train with its files.
	Guests Guests
	// Owner says whose the other end of a connection is; optional: peer.Owner.
	Owner func(net.Conn) (int, error)
	// Keys are the keys of the API; optional: without them nobody comes in by one.
	Keys Keys
	// Rate is how much a key may ask that names no limit of its own; 0: DefaultRate.
	Rate Rate
	// Audit is told who did what, and never a secret or what somebody looked for; optional.
	Audit *slog.Logger
	// MaxUploadBytes bounds an uploaded picture; 0 means DefaultMaxUpload.
	MaxUploadBytes int64
	// Limits bound what all requests together may hold.
	Limits Limits
}

// DefaultMaxUpload is the largest uploaded picture when Config does not say.
const DefaultMaxUpload = 32 << 20

// Searcher answers queries; *search.Service is one.
type Searcher interface {
	ByText(ctx context.Context, collection, text string, options search.Options) (search.Results, error)
	ByPicture(ctx context.Context, collection string, picture image.Image, options search.Options) (search.Results, error)
	ByImage(ctx context.Context, collection, id string, options search.Options) (search.Results, error)
}

// Catalog is read for what the API shows; *database.Store is one.
type Catalog interface {
	Collections(ctx context.Context) ([]catalog.Collection, error)
	Collection(ctx context.Context, name string) (catalog.Collection, error)
	// FindImages returns a page of those that a query chooses, which may be short of images
	// and still have a next one.
	FindImages(ctx context.Context, collection string, query catalog.ImageQuery) (images []catalog.Image, next string, err error)
	// Image finds one by its own ID, or by that of its client.
	Image(ctx context.Context, collection, id string) (catalog.Image, error)
	// ListFailures returns a page, of some kinds or of all, in a stable order.
	ListFailures(ctx context.Context, collection, cursor string, limit int, kinds ...catalog.FailureKind) (failures []catalog.Failure, next string, err error)
}

// Indexer changes collections and keeps their index in step.
type Indexer interface {
	// CreateCollection adds an empty collection. A number of patches that the
	// model cannot have is catalog.ErrInvalid, a name that is taken
	// catalog.ErrConflict.
	CreateCollection(ctx context.Context, name string, maxPatches int, originals catalog.Originals) (catalog.Collection, error)
	// SetOriginals chooses what becomes of the originals of a collection from now on.
	SetOriginals(ctx context.Context, name string, originals catalog.Originals) (catalog.Collection, error)
	// RenameCollection gives a collection another name. catalog.ErrConflict when the
	// name is taken, or while a job works on the collection.
	RenameCollection(ctx context.Context, name, to string) (catalog.Collection, error)
	DeleteCollection(ctx context.Context, name string) error
}

// Losses knows of indexes that were lost; *indexer.Indexer is one.
type Losses interface {
	// Lost reports whether the index of a collection is lost and not filled again yet.
	Lost(catalog.Collection) bool
	// AnyLost reports whether that is so of any.
	AnyLost() bool
}

// Pictures opens the files behind images; *indexer.Pictures is one.
type Pictures interface {
	// Thumbnail returns the picture scaled so that its longer side is at most
	// size pixels, rounded up to a size that is kept.
	Thumbnail(ctx context.Context, collection, id string, size int) (indexer.Thumbnail, error)
	// Original returns the file as it was indexed.
	Original(ctx context.Context, collection, id string) (*indexer.Original, error)
}

// Documents changes single images that clients send; *indexer.Documents is one.
type Documents interface {
	Contents
	// Apply does what a document says, and returns the image, but of a deletion. Its
	// errors are catalog.ErrPicture, catalog.ErrInvalid, catalog.ErrImageNotFound and
	// catalog.ErrConflict, besides failures of the server.
	Apply(ctx context.Context, collection string, document indexer.Document) (catalog.Image, catalog.Outcome, error)
}

// Contents knows which pictures need not be sent again; *indexer.Documents does.
type Contents interface {
	// Known returns those of some SHA-256, hexadecimal, of which a collection has a
	// picture that was sent.
	Known(ctx context.Context, collection string, sha256 []string) ([]string, error)
}

// Pushes does many documents in the background; *indexer.Pushes is one.
type Pushes interface {
	indexer.Receiver
	// With takes pushes with options.
	With(options indexer.PushOptions) indexer.Receiver
	// PlanFolder queues a plan of the indexing of a folder; its errors are those of Index.
	PlanFolder(ctx context.Context, collection string, params indexer.JobParams) (catalog.Job, error)
	// RetryFailed queues a push of the lines of another that failed; catalog.ErrConflict
	// when there is none.
	RetryFailed(ctx context.Context, job string) (catalog.Job, error)
	// Items returns what became of the items that are done, in order of their numbers.
	Items(ctx context.Context, job string, filter catalog.ItemFilter) ([]catalog.ItemResult, error)
}

// Uploads keeps files that come in pieces; indexer.Uploads does.
type Uploads interface {
	// MaxBytes is the most bytes of one upload.
	MaxBytes() int64
	// Create begins an upload; it is an *upload.LimitError when there is no place for it.
	Create(ctx context.Context, about upload.About) (upload.Upload, error)
	// Find returns an upload of a collection, or catalog.ErrNotFound.
	Find(ctx context.Context, collection, id string) (upload.Upload, error)
	// Append adds a piece, and returns how much of it is kept, also beside an error.
	Append(ctx context.Context, u *upload.Upload, piece io.Reader) (int64, error)
	Delete(ctx context.Context, collection, id string) error
}

// Sources keeps collections in step with folders of the server. Unknown ones are
// catalog.ErrNotFound.
type Sources interface {
	// KeptSources lists those of a collection, and KeptSource returns one.
	KeptSources(ctx context.Context, collection string) ([]catalog.KeptSource, error)
	KeptSource(ctx context.Context, collection, id string) (catalog.KeptSource, error)
	// AddSource adds one and queues its first scan; catalog.ErrConflict for a folder that the
	// collection is kept in step with already.
	AddSource(ctx context.Context, collection string, order indexer.SourceOrder) (catalog.KeptSource, error)
	// ChangeKeptSource keeps another interval, and whether events count.
	ChangeKeptSource(ctx context.Context, source catalog.KeptSource) error
	DeleteKeptSource(ctx context.Context, collection, id string) error
	// ScanSource queues a scan, unless after is not the source's last scan any more, or has not
	// ended: catalog.ErrConflict.
	ScanSource(ctx context.Context, source catalog.KeptSource, after string, choice indexer.ScanChoice) (catalog.Job, error)
	// Condition says how one is.
	Condition(ctx context.Context, source catalog.KeptSource) watch.Condition
}

// Jobs keeps work in the background and reports how it goes; *indexer.Jobs is one.
// Unknown jobs are catalog.ErrNotFound; what the state of a job does not allow is
// catalog.ErrConflict.
type Jobs interface {
	// Index queues the indexing of an existing folder into a collection, which is
	// created if it is missing. A number of patches that the model cannot have is
	// catalog.ErrInvalid.
	Index(ctx context.Context, collection string, params indexer.JobParams) (catalog.Job, error)
	// Check queues the comparison of what is kept, of a collection or of none, as a job
	// of kind indexer.JobCheck, JobRepair or JobRebuild.
	Check(ctx context.Context, order indexer.CheckOrder) (catalog.Job, error)
	List(ctx context.Context, filter catalog.JobFilter) ([]catalog.Job, error) // newest first
	Get(ctx context.Context, id string) (catalog.Job, error)
	// Cancel ends a job, Pause keeps it waiting until Resume. One that runs ends
	// a moment later. Retry puts a failed or canceled job back into the queue.
	Cancel(ctx context.Context, id string) (catalog.Job, error)
	Pause(ctx context.Context, id string) (catalog.Job, error)
	Resume(ctx context.Context, id string) (catalog.Job, error)
	Retry(ctx context.Context, id string) (catalog.Job, error)
	// Last is the number of the last change of all jobs. Follow calls changed with
	// jobs as they are now, whenever some have changed after the change with a
	// number, until ctx ends, changed fails or the catalogue does.
	Last(ctx context.Context) (int64, error)
	Follow(ctx context.Context, after int64, changed func([]catalog.Job) error) error
}
