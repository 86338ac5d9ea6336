package milvus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/milvus-io/milvus-proto/go-api/v2/commonpb"
	"github.com/milvus-io/milvus-proto/go-api/v2/milvuspb"
	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"polylens/indexer/catalog"
	"polylens/search"
)

func TestBatches(t *testing.T) {
	const dimension = 1 << 14
	rows := make([]search.Row, 400) // 64 KiB each
	for i := range rows {
		rows[i] = search.Row{ID: fmt.Sprint(i), Vector: make([]float32, dimension)}
	}
	batches, err := batchesOf(rows, dimension)
	if err != nil {
		t.Fatal(err)
	}
	next := 0
	for _, batch := range batches {
		if batch.bytes > batchBytes {
			t.Errorf("a batch of %d bytes", batch.bytes)
		}
		for _, id := range batch.ids {
			if id != fmt.Sprint(next) {
				t.Fatalf("ID %s, want %d", id, next)
			}
			next++
		}
	}
	if next != len(rows) || len(batches) != 2 {
		t.Errorf("%d rows in %d batches", next, len(batches))
	}
	big := map[string]any{"text": strings.Repeat("x", longestMetadata)}
	if _, err := batchesOf([]search.Row{{ID: "a", Vector: rows[0].Vector, Metadata: big}}, dimension); err == nil || !strings.Contains(err.Error(), "65536") {
		t.Errorf("large metadata: %v", err)
	}
}

// TestComplete: ties at the end of the list are cut by ID, whatever order and
// part of them the server sends.
func TestComplete(t *testing.T) {
	var all []search.Match
	for i := range 100 {
		all = append(all, search.Match{ID: fmt.Sprintf("id%03d", i), Score: map[bool]float32{true: 1, false: 0.5}[i < 3]})
	}
	slices.Reverse(all[3:]) // the server's order of ties
	calls := 0
	ask := func(count int) ([]search.Match, error) {
		calls++
		return slices.Clone(all[:min(count, len(all))]), nil
	}
	for limit, wantCalls := range map[int]int{1: 1, 3: 1, 5: 4, 100: 1, 1000: 1} {
		calls = 0
		got, err := complete(ask, limit)
		if err != nil || len(got) != min(limit, 100) || calls != wantCalls {
			t.Errorf("limit %d: %d matches after %d calls, %v", limit, len(got), calls, err)
		}
		for i, match := range got {
			if match.ID != fmt.Sprintf("id%03d", i) {
				t.Errorf("limit %d: %s at %d", limit, match.ID, i)
			}
		}
	}
	failure := errors.New("no")
	if _, err := complete(func(int) ([]search.Match, error) { return nil, failure }, 1); !errors.Is(err, failure) {
		t.Error(err)
	}
}

func TestNames(t *testing.T) {
	key := search.Key{Collection: "Holiday pictures, 写真", Fingerprint: "ab12"}
	name := collectionName(key)
	if !strings.HasPrefix(name, "polylens_c_holiday_pictures__") || !isOurs(name) || isOurs(aliasName("x")) {
		t.Error(name)
	}
	described := description{key, 4}
	if got, err := readDescription(described.String()); got != described || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	// What is in Milvus already must stay readable.
	if want := `{"Collection":"Holiday pictures, 写真","Fingerprint":"ab12","Dimension":4}`; described.String() != want {
		t.Errorf("described as %s, want %s", described, want)
	}
	if _, err := readDescription("made by hand"); err == nil {
		t.Error("a foreign description is taken for ours")
	}
	seen := map[string]catalog.CollectionID{}
	for _, collection := range []catalog.CollectionID{"a b", "a_b", "a.b", "写真", "日本", "A b", "1:a", catalog.CollectionID(strings.Repeat("long", 100))} {
		for _, fingerprint := range []string{"a", "b"} {
			for _, name := range []string{collectionName(search.Key{Collection: collection, Fingerprint: fingerprint}), aliasName(collection)} {
				if other, taken := seen[name]; taken && other != collection {
					t.Errorf("%q and %q share %s", collection, other, name)
				}
				if len(name) > 100 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
					t.Errorf("%s is no name for Milvus", name)
				}
				seen[name] = collection
			}
		}
	}
}

func TestClassify(t *testing.T) {
	ctx := t.Context()
	late, cancel := context.WithDeadline(ctx, time.Now().Add(-time.Second))
	defer cancel()
	given, canceled := context.WithCancel(ctx)
	canceled()
	plain := errors.New("plain")
	for name, test := range map[string]struct {
		ctx  context.Context
		err  error
		want error
	}{
		"refused connection": {ctx, status.Error(codes.Unavailable, "connection refused"), search.ErrUnavailable},
		"server too slow":    {ctx, status.Error(codes.DeadlineExceeded, "late"), search.ErrUnavailable},
		"our deadline":       {late, plain, search.ErrUnavailable},
		"our deadline, too":  {late, plain, context.DeadlineExceeded},
		"caller gave up":     {given, status.Error(codes.Canceled, "x"), context.Canceled},
		"no collection":      {ctx, &serverError{code: 100}, catalog.ErrCollectionNotFound},
		"no collection, old": {ctx, &serverError{old: commonpb.ErrorCode_CollectionNotExists}, catalog.ErrCollectionNotFound},
		"starting":           {ctx, &serverError{code: 503}, search.ErrUnavailable},
		"node gone":          {ctx, &serverError{code: 902}, search.ErrUnavailable},
		"starting, as text":  {ctx, &serverError{code: 65535, reason: "fail to Search: channel not available[channel=x]"}, search.ErrUnavailable},
		"anything else":      {ctx, plain, plain},
	} {
		if got := classify(test.ctx, test.err); !errors.Is(got, test.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := classify(ctx, plain); errors.Is(got, search.ErrUnavailable) {
		t.Errorf("an error of another kind: %v", got)
	}
	if classify(late, nil) != nil {
		t.Error("no error becomes one")
	}
}

func TestStatusOf(t *testing.T) {
	refused := &commonpb.Status{Code: 100, Reason: "gone"}
	for _, reply := range []any{refused, &milvuspb.MutationResult{Status: refused}, &milvuspb.BoolResponse{Status: refused}} {
		if err := statusOf(reply); !isNotFound(err) || !strings.Contains(err.Error(), "gone") {
			t.Errorf("%T: %v", reply, err)
		}
	}
	for _, reply := range []any{nil, &commonpb.Status{}, &milvuspb.MutationResult{}, "something"} {
		if err := statusOf(reply); err != nil {
			t.Errorf("%T: %v", reply, err)
		}
	}
}

// TestClock: which searches wait for which writes.
func TestClock(t *testing.T) {
	clock := newWriteClock()
	level := func(name string) (entity.ConsistencyLevel, uint64) {
		var option client.SearchQueryOption
		choose, debt := clock.consistency(name)
		choose(&option)
		clock.searched(name, debt)
		return option.ConsistencyLevel, option.GuaranteeTimestamp
	}
	want := func(what string, wantLevel entity.ConsistencyLevel, wantStamp uint64) {
		t.Helper()
		if got, stamp := level("a"); got != wantLevel || stamp != wantStamp {
			t.Errorf("%s: level %v, timestamp %d", what, got, stamp)
		}
	}
	want("first search", entity.ClStrong, 0)
	want("nothing written", entity.ClBounded, 0)
	clock.wrote("a", 70)
	clock.wrote("a", 50)
	want("after a write", entity.ClCustomized, 70)
	clock.wrote("a", 0)
	_, before := clock.consistency("a")
	clock.wrote("a", 0)
	clock.searched("a", before) // that search began before the second delete
	want("after a delete", entity.ClStrong, 0)
	want("after that search", entity.ClCustomized, 70)
	clock.change("a", func(last *write) { last.at = time.Now().Add(-settled) })
	want("long after", entity.ClBounded, 0)
	clock.wrote("b", 90)
	want("after a write elsewhere", entity.ClBounded, 0)
}

// TestUnreachable: a server that is not there is said to be so, soon.
func TestUnreachable(t *testing.T) {
	began := time.Now()
	_, err := Connect(t.Context(), Config{Address: "127.0.0.1:1"})
	if !errors.Is(err, search.ErrUnavailable) || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > connectLimit+time.Second {
		t.Errorf("that took %s", took)
	}
	if _, err := Connect(t.Context(), Config{}); err == nil {
		t.Error("no address is accepted")
	}
	if _, err := dialDoor(t.Context(), t.TempDir()); err == nil {
		t.Error("a folder without a door opens")
	}
}
