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

// write is the latest one of a collection.
type write struct {
	stamp uint64 // Milvus' timestamp of it
	at    time.Time
	read  bool // the collection has been searched with Strong consistency
}

func newWriteClock() *writeClock { return &writeClock{last: map[string]write{}} }

// wrote notes a write that Milvus has acknowledged with a timestamp.
func (c *writeClock) wrote(name string, stamp uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.last[name]
	last.stamp, last.at = max(stamp, last.stamp), time.Now()
	c.last[name] = last
}

// searched notes a search that answered.
func (c *writeClock) searched(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.last[name]
	last.read = true
	c.last[name] = last
}

// consistency is what a search of the collection must ask for.
func (c *writeClock) consistency(name string) client.SearchQueryOptionFunc {
	c.mu.Lock()
	last := c.last[name]
	c.mu.Unlock()
	if !last.read {
		// A process before this one may have written a moment ago.
		return client.WithSearchQueryConsistencyLevel(entity.ClStrong)
	}
	if time.Since(last.at) < settled {
		return func(option *client.SearchQueryOption) {
			option.ConsistencyLevel, option.GuaranteeTimestamp = entity.ClCustomized, last.stamp
		}
	}
	return client.WithSearchQueryConsistencyLevel(entity.ClBounded)
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
