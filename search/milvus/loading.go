package milvus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"polylens/search"
)

// loading is how far Milvus had come with a collection, in per cent, and since when.
// Where files of a segment are missing or broken it tries forever, and says nothing.
type loading struct {
	percent int64
	since   time.Time
}

// stalled makes an error that says that a collection is not loaded
// search.ErrUnreadable, once that has gone no further for a while. It goes by what
// earlier calls saw.
func (i *Index) stalled(ctx context.Context, name string, err error) error {
	var refused *serverError
	if !errors.As(err, &refused) || refused.code != codeNotLoaded && refused.code != codeNotFullyLoaded {
		i.setLoading(name, loading{})
		return err
	}
	percent, askErr := i.sdk.GetLoadingProgress(ctx, name, nil)
	if askErr != nil {
		return err
	}
	before := i.loadingOf(name)
	if before.since.IsZero() || before.percent != percent {
		i.setLoading(name, loading{percent, time.Now()})
		return err
	}
	if waited := time.Since(before.since); waited > i.stall {
		return fmt.Errorf("%w: Milvus has come no further than %d %% with loading it for %s", search.ErrUnreadable, percent, waited.Round(time.Second))
	}
	return err
}

func (i *Index) loadingOf(name string) loading {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.loading[name]
}

// setLoading keeps how far a collection is; zero forgets it.
func (i *Index) setLoading(name string, now loading) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if now.since.IsZero() {
		delete(i.loading, name)
	} else {
		i.loading[name] = now
	}
}
