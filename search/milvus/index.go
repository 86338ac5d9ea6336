package milvus

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"polylens/indexer/catalog"
	"polylens/search"
)

// Limits of one call, when the caller sets none.
const (
	searchLimit = 30 * time.Second
	schemaLimit = 2 * time.Minute // creating, loading, dropping
	writeLimit  = 5 * time.Minute
	flushLimit  = 5 * time.Minute
	readyLimit  = 5 * time.Second
)

// Index implements search.Index on Milvus. It holds no data of its own: it only
// remembers the dimensions of collections and when it wrote to them.
type Index struct {
	sdk   client.Client
	clock *writeClock
	log   *slog.Logger
	hnsw  HNSW

	ensuring sync.Mutex // one creation at a time
	mu       sync.Mutex
	known    map[string]int // dimensions of the collections of Milvus that are ready, by name
	active   map[catalog.CollectionID]activeIndex
	unsaved  map[string]bool // collections written to since their flush
	loading  map[string]loading
	stall    time.Duration // Config.StallAfter
}

// activeIndex is what the alias of a collection points to.
type activeIndex struct {
	name      string
	dimension int
	asked     time.Time
}

// activeFor bounds how long another process's Activate goes unnoticed by what
// we remember; searches themselves ask the alias and never an outdated index.
const activeFor = 5 * time.Second

func newIndex(sdk client.Client, config Config) *Index {
	return &Index{
		sdk: sdk, clock: newWriteClock(), log: config.Logger, hnsw: config.HNSW.withDefaults(),
		known: map[string]int{}, active: map[catalog.CollectionID]activeIndex{}, unsaved: map[string]bool{},
		loading: map[string]loading{}, stall: cmp.Or(config.StallAfter, 5*time.Minute),
	}
}

// Close ends the connection. It flushes nothing.
func (i *Index) Close() error { return i.sdk.Close() }

// Ensure implements search.Index.
func (i *Index) Ensure(ctx context.Context, key search.Key, dimension int) error {
	if err := checkNew(key, dimension); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, schemaLimit)
	defer cancel()
	i.ensuring.Lock()
	defer i.ensuring.Unlock()
	err := i.ensure(ctx, key, dimension)
	return i.explain(ctx, err, "prepare the index of collection %q", key.Collection)
}

func (i *Index) ensure(ctx context.Context, key search.Key, dimension int) error {
	name := collectionName(key)
	exists, err := i.sdk.HasCollection(ctx, name)
	if err != nil {
		return err
	}
	if !exists {
		if err := i.sdk.CreateCollection(ctx, schemaOf(key, dimension), 1); err != nil {
			return err
		}
	}
	stored, err := i.describe(ctx, key)
	if err != nil {
		return err
	}
	if stored != dimension {
		return fmt.Errorf("it holds vectors of %d numbers, asked for %d: a model with another width needs another fingerprint", stored, dimension)
	}
	if known, ok := i.knownDimension(name); exists && ok && known == dimension {
		return nil
	}
	// A process killed between the steps left some undone: each is repeated.
	if err := i.createIndex(ctx, name); err != nil {
		return err
	}
	if err := i.sdk.LoadCollection(ctx, name, false); err != nil {
		return err
	}
	if err := i.activateFirst(ctx, key); err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.known[name] = dimension
	return nil
}

// knownDimension is that of a collection of Milvus that this process made ready.
func (i *Index) knownDimension(name string) (dimension int, known bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	dimension, known = i.known[name]
	return dimension, known
}

// describe asks Milvus for the dimension of key's index. It is an error when
// the collection was created for another key.
func (i *Index) describe(ctx context.Context, key search.Key) (dimension int, err error) {
	collection, err := i.sdk.DescribeCollection(ctx, collectionName(key))
	if err != nil {
		return 0, err
	}
	stored, err := readDescription(collection.Schema.Description)
	if err != nil {
		return 0, err
	}
	if stored.Key != key {
		return 0, fmt.Errorf("its name is taken by %+v", stored)
	}
	return stored.Dimension, nil
}

// dimensionOf is describe where this process has not made the index ready itself.
func (i *Index) dimensionOf(ctx context.Context, key search.Key) (int, error) {
	if dimension, known := i.knownDimension(collectionName(key)); known {
		return dimension, nil
	}
	return i.describe(ctx, key)
}

// createIndex is repeatable: Milvus accepts the same index twice.
func (i *Index) createIndex(ctx context.Context, name string) error {
	graph, err := entity.NewIndexHNSW(entity.IP, i.hnsw.M, i.hnsw.EfConstruction)
	if err != nil {
		return err
	}
	existing, err := i.sdk.DescribeIndex(ctx, name, vectorField)
	if err == nil && len(existing) > 0 {
		return nil // perhaps with other parameters: they are the owner's choice
	}
	return i.sdk.CreateIndex(ctx, name, vectorField, graph, true)
}

// activateFirst makes key the active index of a collection that has none.
func (i *Index) activateFirst(ctx context.Context, key search.Key) error {
	_, err := i.resolve(ctx, key.Collection)
	if !isNotFound(err) {
		return err
	}
	err = i.sdk.CreateAlias(ctx, collectionName(key), aliasName(key.Collection))
	if err == nil {
		i.forgetActive(key.Collection)
		return nil
	}
	if _, now := i.resolve(ctx, key.Collection); now == nil {
		return nil // another process was faster
	}
	return err
}

// Activate implements search.Index.
func (i *Index) Activate(ctx context.Context, key search.Key) error {
	ctx, cancel := context.WithTimeout(ctx, schemaLimit)
	defer cancel()
	err := i.activate(ctx, key)
	i.forgetActive(key.Collection)
	return i.explain(ctx, err, "activate the index of collection %q", key.Collection)
}

func (i *Index) activate(ctx context.Context, key search.Key) error {
	if _, err := i.describe(ctx, key); err != nil {
		return err
	}
	name, alias := collectionName(key), aliasName(key.Collection)
	_, err := i.resolve(ctx, key.Collection)
	if isNotFound(err) {
		return i.sdk.CreateAlias(ctx, name, alias)
	}
	if err != nil {
		return err
	}
	return i.sdk.AlterAlias(ctx, name, alias)
}

// Drop implements search.Index. Dropping the active index leaves its
// collection without one.
func (i *Index) Drop(ctx context.Context, key search.Key) error {
	ctx, cancel := context.WithTimeout(ctx, schemaLimit)
	defer cancel()
	i.ensuring.Lock()
	defer i.ensuring.Unlock()
	err := i.drop(ctx, key)
	return i.explain(ctx, err, "drop the index of collection %q", key.Collection)
}

func (i *Index) drop(ctx context.Context, key search.Key) error {
	name := collectionName(key)
	exists, err := i.sdk.HasCollection(ctx, name)
	if err != nil || !exists {
		return err
	}
	active, err := i.resolve(ctx, key.Collection)
	if err != nil && !isNotFound(err) {
		return err
	}
	i.mu.Lock()
	delete(i.known, name)
	delete(i.unsaved, name)
	delete(i.active, key.Collection)
	i.mu.Unlock()
	if err == nil && active.name == name {
		if err := i.sdk.DropAlias(ctx, aliasName(key.Collection)); err != nil {
			return err
		}
	}
	return i.sdk.DropCollection(ctx, name)
}

// resolve asks Milvus which collection an alias currently points to.
func (i *Index) resolve(ctx context.Context, collection catalog.CollectionID) (activeIndex, error) {
	found, err := i.sdk.DescribeCollection(ctx, aliasName(collection))
	if err != nil {
		return activeIndex{}, err
	}
	described, err := readDescription(found.Schema.Description)
	if err != nil {
		return activeIndex{}, err
	}
	return activeIndex{name: collectionName(described.Key), dimension: described.Dimension, asked: time.Now()}, nil
}

// activeOf is resolve with a short memory.
func (i *Index) activeOf(ctx context.Context, collection catalog.CollectionID) (activeIndex, error) {
	i.mu.Lock()
	active, ok := i.active[collection]
	i.mu.Unlock()
	if ok && time.Since(active.asked) < activeFor {
		return active, nil
	}
	active, err := i.resolve(ctx, collection)
	if err != nil {
		return active, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.active[collection] = active
	return active, nil
}

func (i *Index) forgetActive(collection catalog.CollectionID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.active, collection)
}

// Flush implements search.Index for what this process has written.
func (i *Index) Flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, flushLimit)
	defer cancel()
	i.mu.Lock()
	names := slices.Sorted(maps.Keys(i.unsaved))
	i.unsaved = map[string]bool{}
	i.mu.Unlock()
	for at, name := range names {
		if err := i.sdk.Flush(ctx, name, false); err != nil && !isNotFound(err) {
			i.markUnsaved(names[at:]...)
			return i.explain(ctx, err, "flush %s", name)
		}
	}
	return nil
}

func (i *Index) markUnsaved(names ...string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, name := range names {
		i.unsaved[name] = true
	}
}

// WaitIndexed waits until the graph of every flushed row has been built.
// Searches are right without it, only slower.
func (i *Index) WaitIndexed(ctx context.Context, key search.Key) error {
	for {
		total, built, err := i.sdk.GetIndexBuildProgress(ctx, collectionName(key), vectorField)
		if err != nil || built >= total {
			return i.explain(ctx, err, "ask for the graph of collection %q", key.Collection)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// Ready implements search.Index: the server is healthy and every collection
// used so far answers.
func (i *Index) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	state, err := i.sdk.CheckHealth(ctx)
	if err != nil {
		return i.explain(ctx, err, "ask Milvus for its health")
	}
	if !state.IsHealthy {
		return fmt.Errorf("%w: Milvus is unhealthy: %s", search.ErrUnavailable, strings.Join(state.Reasons, "; "))
	}
	for _, name := range i.used() {
		_, err := i.sdk.Query(ctx, name, nil, neverTrue, []string{idField},
			client.WithLimit(1), client.WithSearchQueryConsistencyLevel(entity.ClEventually))
		if err != nil && !isNotFound(err) {
			return i.explain(ctx, err, "ask %s", name)
		}
	}
	return nil
}

// used are the collections of Milvus that this process has asked for.
func (i *Index) used() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	names := slices.Collect(maps.Keys(i.known))
	for _, active := range i.active {
		names = append(names, active.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// explain says what was tried and classifies the error.
func (i *Index) explain(ctx context.Context, err error, format string, arguments ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(arguments, classify(ctx, err))...)
}
