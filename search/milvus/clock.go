package milvus

import (
	"context"
	"sync"
	"time"

	"github.com/milvus-io/milvus-proto/go-api/v2/milvuspb"
	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"
)

// settled is how long after a write every reader sees it without asking for
// it: Milvus' Bounded consistency lags 5 seconds at most.
const settled = 10 * time.Second

// writeClock remembers when this process wrote to which collection, so that a
// search waits for its own writes and for nothing else. Asking for Strong
// consistency instead costs up to two time ticks (200 ms each) every time.
type writeClock struct {
	mu   sync.Mutex
	last map[string]write
}

// write is what is known of one collection.
type write struct {
	stamp uint64    // Milvus' timestamp of the latest write that has one
	at    time.Time // of the latest write
	// Deletes get no timestamp, and another process may have written before
	// ours began: both owe one search with Strong consistency.
	owed, paid int
}

func newWriteClock() *writeClock { return &writeClock{last: map[string]write{}} }

// wrote notes a write that Milvus has acknowledged, with its timestamp or 0.
func (c *writeClock) wrote(name string, stamp uint64) {
	c.change(name, func(last *write) {
		last.stamp, last.at = max(stamp, last.stamp), time.Now()
		if stamp == 0 {
			last.owed++
		}
	})
}

// consistency is what a search of the collection must ask for. The debt goes
// to searched when that search has answered.
func (c *writeClock) consistency(name string) (option client.SearchQueryOptionFunc, debt int) {
	last := c.change(name, func(*write) {})
	switch {
	case last.paid < last.owed:
		return client.WithSearchQueryConsistencyLevel(entity.ClStrong), last.owed
	case time.Since(last.at) < settled:
		return since(last.stamp), last.owed
	}
	return client.WithSearchQueryConsistencyLevel(entity.ClBounded), last.owed
}

// searched notes a search that has answered.
func (c *writeClock) searched(name string, debt int) {
	c.change(name, func(last *write) { last.paid = max(last.paid, debt) })
}

func (c *writeClock) change(name string, change func(*write)) write {
	c.mu.Lock()
	defer c.mu.Unlock()
	last, ok := c.last[name]
	if !ok {
		last.owed = 1
	}
	change(&last)
	c.last[name] = last
	return last
}

// since makes a search wait until it sees everything up to stamp.
func since(stamp uint64) client.SearchQueryOptionFunc {
	return func(option *client.SearchQueryOption) {
		option.ConsistencyLevel, option.GuaranteeTimestamp = entity.ClCustomized, max(stamp, client.EventuallyTimestamp)
	}
}

type stampKey struct{}

// withStamp returns a context that collects the latest timestamp of the
// writes made with it: the SDK does not give it away.
func withStamp(ctx context.Context) (context.Context, *uint64) {
	stamp := new(uint64)
	return context.WithValue(ctx, stampKey{}, stamp), stamp
}

func collectStamp(ctx context.Context, reply any) {
	stamp, asked := ctx.Value(stampKey{}).(*uint64)
	if result, ok := reply.(*milvuspb.MutationResult); ok && asked {
		*stamp = max(*stamp, result.GetTimestamp())
	}
}
