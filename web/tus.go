package web

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/tus/tusd/v2/pkg/handler"
	"github.com/tus/tusd/v2/pkg/memorylocker"
	"golang.org/x/exp/slog" // the library's own

	"polylens/indexer/catalog"
	"polylens/indexer/upload"
)

// pieceType is the media type of a piece of an upload.
const pieceType = "application/offset+octet-stream"

// lockPatience is how long a request waits for an earlier one on the same upload, whose
// connection may be lost.
const lockPatience = 10 * time.Second

// tus speaks the protocol of resumable uploads (tus.io, 1.0.0), which a library knows; what
// it keeps goes to Uploads.
type tus struct {
	server  *server
	library *handler.UnroutedHandler
}

func newTus(s *server) (*tus, error) {
	composer := handler.NewStoreComposer()
	store := tusStore{s.Uploads}
	composer.UseCore(store)
	composer.UseTerminater(store)
	memorylocker.New().UseIn(composer)
	library, err := handler.NewUnroutedHandler(handler.Config{
		StoreComposer: composer, MaxSize: s.Uploads.MaxBytes(), BasePath: "/", DisableDownload: true, DisableConcatenation: true,
		Cors: &handler.CorsConfig{Disable: true}, AcquireLockTimeout: lockPatience,
		GracefulRequestCompletionTimeout: time.Millisecond,                               // see outliving
		Logger:                           slog.New(slog.NewTextHandler(io.Discard, nil)), // what matters is logged with its request
	})
	return &tus{s, library}, err
}

// answer lets the library answer a request about an upload, or about all for "".
func (t *tus) answer(collection, id string) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(to huma.Context) {
		r, w := humachi.Unwrap(to)
		t.serve(w, r, collection, id)
	}}
}

func (t *tus) serve(w http.ResponseWriter, r *http.Request, collection, id string) {
	asked := &tusRequest{collection: collection, owner: callerOf(r.Context()).name()}
	ctx, stop := t.server.whileAllowed(r.Context())
	defer stop()
	inner := r.Clone(context.WithValue(ctx, tusKey{}, asked))
	inner.URL.Path, inner.URL.RawPath = "/"+id, "" // by which the library knows it
	inner.Header.Del("X-HTTP-Method-Override")
	body := newSteady(w, r, t.server.Limits.Stall)
	body.allow(1 << 50)
	if isPiece(r) {
		inner.Body = io.NopCloser(untilDone{ctx, body})
		defer body.close()
	}
	answer := &tusWriter{ResponseWriter: w, asked: asked}
	t.library.Middleware(t.method(r.Method)).ServeHTTP(answer, inner)
	switch {
	case answer.refused != 0 && errors.Is(context.Cause(ctx), errRightsEnded):
		t.server.refuse(w, r, unknown("the credentials have ended while the body came"))
	case answer.refused != 0:
		t.server.refuse(w, r, answer.problem(body))
	}
}

func (t *tus) method(name string) http.HandlerFunc {
	return map[string]http.HandlerFunc{
		http.MethodPost: t.library.PostFile, http.MethodHead: t.library.HeadFile,
		http.MethodPatch: t.library.PatchFile, http.MethodDelete: t.library.DelFile,
	}[name]
}

type tusKey struct{}

// tusRequest is what the store knows of the request that it is asked for.
type tusRequest struct {
	collection, owner string
	upload            *upload.Upload // that it is about, once that is known
	failed            error          // of the store
}

func tusRequestOf(ctx context.Context) *tusRequest {
	asked, _ := ctx.Value(tusKey{}).(*tusRequest)
	return cmp.Or(asked, &tusRequest{})
}

// fail keeps an error for the answer.
func (r *tusRequest) fail(err error) error {
	if err != nil {
		r.failed = err
	}
	return err
}

// tusStore lets the library keep uploads.
type tusStore struct{ uploads Uploads }

// NewUpload implements handler.DataStore.
func (s tusStore) NewUpload(ctx context.Context, info handler.FileInfo) (handler.Upload, error) {
	asked := tusRequestOf(ctx)
	begun, err := s.uploads.Create(ctx, upload.About{Collection: asked.collection, Owner: asked.owner, Size: info.Size, Metadata: info.MetaData})
	if err != nil {
		return nil, asked.fail(refusedUpload(err))
	}
	asked.upload = &begun
	return tusUpload{s.uploads, &begun}, nil
}

// GetUpload implements handler.DataStore.
func (s tusStore) GetUpload(ctx context.Context, id string) (handler.Upload, error) {
	asked := tusRequestOf(ctx)
	found, err := s.uploads.Find(ctx, asked.collection, id)
	if err != nil {
		_ = asked.fail(err)
		if errors.Is(err, catalog.ErrNotFound) {
			return nil, handler.ErrNotFound
		}
		return nil, err
	}
	asked.upload = &found
	return tusUpload{s.uploads, &found}, nil
}

// AsTerminatableUpload implements handler.TerminaterDataStore.
func (tusStore) AsTerminatableUpload(u handler.Upload) handler.TerminatableUpload {
	return u.(tusUpload)
}

// tusUpload is one upload, while a request is about it.
type tusUpload struct {
	uploads Uploads
	upload  *upload.Upload
}

// WriteChunk implements handler.Upload.
func (u tusUpload) WriteChunk(ctx context.Context, _ int64, piece io.Reader) (int64, error) {
	longer, end := outliving(ctx)
	defer end()
	kept, err := u.uploads.Append(longer, u.upload, piece)
	return kept, tusRequestOf(ctx).fail(err)
}

// keepPatience is how long it may take to keep what has arrived of a piece whose connection
// was lost.
const keepPatience = 30 * time.Second

// outliving ends some time after ctx.
func outliving(ctx context.Context) (longer context.Context, end func()) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(keepPatience, cancel) })
	return longer, func() { stop(); cancel() }
}

// GetInfo implements handler.Upload.
func (u tusUpload) GetInfo(context.Context) (handler.FileInfo, error) {
	return handler.FileInfo{ID: u.upload.ID, Size: u.upload.Size, Offset: u.upload.Offset, MetaData: u.upload.Metadata}, nil
}

// GetReader implements handler.Upload. Uploads are not read this way.
func (tusUpload) GetReader(context.Context) (io.ReadCloser, error) {
	return nil, handler.ErrNotImplemented
}

// FinishUpload implements handler.Upload.
func (tusUpload) FinishUpload(context.Context) error { return nil }

// Terminate implements handler.TerminatableUpload.
func (u tusUpload) Terminate(ctx context.Context) error {
	return tusRequestOf(ctx).fail(u.uploads.Delete(ctx, u.upload.Collection, u.upload.ID))
}
