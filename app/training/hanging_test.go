package training

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/jobs"
	"polylens/internal/hangtest"
	"polylens/trainer/data"
)

// queued is a run of a test trainer.
func (t *Trainer) queued(test *testing.T, name, model string) catalog.Run {
	test.Helper()
	config := fmt.Sprintf(`{"model":%q,"data":{"pairs":["/x"],"guard":"none"}}`, model)
	run, err := t.Catalog.CreateRun(test.Context(), catalog.Run{Name: name, Config: []byte(config)})
	if err == nil {
		err = t.enqueue(test.Context(), run)
	}
	if err != nil {
		test.Fatal(err)
	}
	return run
}

// await waits until a run is in a state, or the test fails.
func (t *Trainer) await(test *testing.T, id string, state catalog.RunState) catalog.Run {
	test.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		run, err := t.Catalog.Run(test.Context(), id)
		if err != nil {
			test.Fatal(err)
		}
		if run.State == state {
			return run
		}
		if time.Now().After(deadline) {
			test.Fatalf("the run %s is %s, not %s: %s", run.Name, run.State, state, run.Error)
		}
	}
}

// TestHangingModelDoesNotHoldTheQueue: a run whose model does not answer is ended by
// stopping it, and the run behind it comes next.
func TestHangingModelDoesNotHoldTheQueue(t *testing.T) {
	r := newTestTrainer(t, filepath.Join(t.TempDir(), "catalogue.db"), slog.DiscardHandler)
	end, asked := make(chan struct{}), make(chan struct{}, 1)
	defer close(end)
	r.FindModel = func(name string) (string, error) {
		if name == "/a" {
			asked <- struct{}{}
			<-end
		}
		return "", errors.New("there is no such model")
	}
	hanging, behind := r.queued(t, "hanging", "/a"), r.queued(t, "behind", "/b")
	r.work(t)
	select {
	case <-asked:
	case <-time.After(time.Minute):
		t.Fatal("the run does not begin")
	}
	if _, err := r.Stop(t.Context(), hanging.ID); err != nil {
		t.Fatal(err)
	}
	r.await(t, hanging.ID, catalog.RunStopped)
	if ended := r.await(t, behind.ID, catalog.RunFailed); !strings.Contains(ended.Error, "no such model") {
		t.Errorf("the run behind it: %s", ended.Error)
	}
}

// work runs the jobs of a trainer until the test ends.
func (t *Trainer) work(test *testing.T) {
	test.Helper()
	worker := jobs.NewWorker(t.queue.(*jobs.Queue), jobs.Settings{Slots: 1, Alone: true})
	worker.Start(context.WithoutCancel(test.Context()))
	test.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(test.Context()), time.Minute)
		defer cancel()
		if err := worker.Stop(ctx); err != nil {
			test.Error(err)
		}
	})
}

// TestHangingPairs: pairs that do not answer, whether they are opened or read, are
// given up when the run is stopped; the guarded set is opened in the same way.
func TestHangingPairs(t *testing.T) {
	for label, what := range map[string]uint64{"opening": hangtest.Opening, "reading": hangtest.Reading} {
		t.Run(label, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "pairs.csv")
			if err := os.WriteFile(path, []byte("image,text\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			hangtest.Hang(t, path, what)
			ctx, cancel := context.WithCancelCause(t.Context())
			stopped := errors.New("stopped")
			time.AfterFunc(50*time.Millisecond, func() { cancel(stopped) })
			ended := make(chan error, 1)
			go func() {
				training := &Training{Trainer: New(Options{Pictures: noPictures}), Config: Config{Data: Data{Pairs: []string{path}}}}
				_, err := training.reading(ctx)
				ended <- err
			}()
			select {
			case err := <-ended:
				if !errors.Is(err, stopped) || !strings.Contains(err.Error(), path) {
					t.Errorf("got %v", err)
				}
			case <-time.After(time.Minute):
				t.Fatal("it waits")
			}
		})
	}
}

func noPictures() (*data.Files, data.Decoder, error) {
	return data.NewFiles(data.FileOptions{}), nil, nil
}
