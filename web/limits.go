package web

import (
	"cmp"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

// Limits bound what all requests together may hold. What goes beyond is answered with
// 503 and Retry-After. 0 stands for the default.
type Limits struct {
	Searches        int           // at a time, by words or like an image; 64
	PictureSearches int           // at a time, once their picture has arrived; 8
	Pushes          int           // bodies of many documents at a time, each with a line of 44 MiB in memory at most; 4
	Pieces          int           // of uploads on their way; 16
	Pictures        int           // thumbnails and originals on their way; 256
	Orders          int           // requests at a time that change something; 16
	Reads           int           // all other requests at a time; 64
	Live            int           // WebSockets; 256
	Bodies          int64         // bytes of request bodies in memory; 128 MiB
	Answers         int64         // bytes of answers kept for Idempotency-Key; 16 MiB
	Patience        time.Duration // how long a request waits for its turn; 5 s
	Stall           time.Duration // how long a body may take for each 64 KiB; 10 s
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Searches: cmp.Or(l.Searches, 64), PictureSearches: cmp.Or(l.PictureSearches, 8), Pictures: cmp.Or(l.Pictures, 256),
		Pushes: cmp.Or(l.Pushes, 4), Pieces: cmp.Or(l.Pieces, 16),
		Orders: cmp.Or(l.Orders, 16), Reads: cmp.Or(l.Reads, 64), Live: cmp.Or(l.Live, 256),
		Bodies: cmp.Or(l.Bodies, 128<<20), Answers: cmp.Or(l.Answers, 16<<20),
		Patience: cmp.Or(l.Patience, 5*time.Second), Stall: cmp.Or(l.Stall, 10*time.Second),
	}
}

// retryAfter is when a client should ask again, in seconds.
const retryAfter = "2"

// lane is a kind of operation, by whose turns it waits.
type lane string

const (
	laneSearches lane = "searches"
	lanePictures lane = "pictures"
	laneOrders   lane = "orders"
	laneReads    lane = "reads"
	laneLive     lane = "live"
	laneDoor     lane = "door"    // signing in and out, which everybody may
	laneUploads  lane = "uploads" // waits by itself, once its picture has arrived
	lanePieces   lane = "pieces"  // of uploads, which are read while they are kept
	lanePushes   lane = "pushes"  // bodies that are read while they are worked on
)

// inLane puts an operation into a lane; others are orders when they change something,
// else reads.
func inLane(o huma.Operation, in lane) huma.Operation {
	o.Metadata["lane"] = in
	return o
}

func laneOf(o *huma.Operation) lane {
	if in, ok := o.Metadata["lane"].(lane); ok {
		return in
	}
	if o.Method == http.MethodGet {
		return laneReads
	}
	return laneOrders
}

func newLanes(l Limits) map[lane]*turns {
	return map[lane]*turns{
		laneSearches: newTurns(l.Searches, l.Patience), lanePictures: newTurns(l.Pictures, l.Patience),
		laneDoor: newTurns(l.Orders, l.Patience), laneOrders: newTurns(l.Orders, l.Patience), laneReads: newTurns(l.Reads, l.Patience),
		laneUploads: newTurns(l.PictureSearches, l.Patience), lanePushes: newTurns(l.Pushes, l.Patience), lanePieces: newTurns(l.Pieces, l.Patience), laneLive: newTurns(l.Live, l.Patience),
	}
}

// byTurns lets a handler that is no operation wait for its turn.
func (s *server) byTurns(in lane, handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		leave, err := s.lanes[in].enter(r.Context())
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		defer leave()
		handler(w, r)
	}
}

// inTurn lets an operation wait for its turn. One that sends a file may take as long as
// the client's line needs; the others' answers leave at once or not at all, so that a
// client that does not read keeps nobody waiting.
func (s *server) inTurn(ctx huma.Context, next func(huma.Context)) {
	in := laneOf(ctx.Operation())
	if in == laneUploads {
		next(ctx)
		return
	}
	r, w := humachi.Unwrap(ctx)
	if isPush(r) {
		in = lanePushes
	}
	leave, err := s.lanes[in].enter(ctx.Context())
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	defer leave()
	if in != lanePictures && in != lanePushes && in != lanePieces {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(operationLimit + writeWait)) // a handler in this process has none
	}
	next(ctx)
}

// refuse answers a request outside of its operation.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	err = problemOf(r.Context(), s.Logger, err)
	var (
		answer  *huma.ErrorModel
		headers huma.HeadersError
	)
	if errors.As(err, &headers) {
		for name, values := range headers.GetHeaders() {
			w.Header()[name] = values
		}
	}
	if !errors.As(err, &answer) {
		answer = newProblem(kindInternal, kindInternal.Words)
	}
	refuse(w, r, answer)
}
