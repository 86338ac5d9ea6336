package indexer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"polylens/indexer/catalog"
	"polylens/indexer/source"
)

// vanish puts an empty folder in the place of one, as when its disk is not mounted.
func vanish(t *testing.T, folder string) {
	t.Helper()
	if err := os.Rename(folder, folder+"-away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
}

// TestConfirmationOfAJobThatWaits: it holds for the folders that were there when it was
// given, not for whatever is there when the job begins, or goes on after a restart.
func TestConfirmationOfAJobThatWaits(t *testing.T) {
	for _, test := range []struct {
		what      string
		meanwhile func(t *testing.T, b *bench, queue *Jobs, id string)
		left      int
	}{
		{"nothing happens", func(*testing.T, *bench, *Jobs, string) {}, 4},
		{"its disk goes", func(t *testing.T, b *bench, _ *Jobs, _ string) { vanish(t, b.folder) }, 20},
		{"it is paused, and its disk goes", func(t *testing.T, b *bench, queue *Jobs, id string) {
			if _, err := queue.Pause(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			vanish(t, b.folder)
			if _, err := queue.Resume(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}, 20},
		{"it is canceled and tried again, and its disk goes", func(t *testing.T, b *bench, queue *Jobs, id string) {
			if _, err := queue.Cancel(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			vanish(t, b.folder)
			if _, err := queue.Retry(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}, 20},
		{"the disk behind a link goes", func(t *testing.T, b *bench, _ *Jobs, _ string) {
			target, err := os.Readlink(filepath.Join(b.folder, "away"))
			if err != nil {
				t.Fatal(err)
			}
			vanish(t, target)
		}, 20},
	} {
		t.Run(test.what, func(t *testing.T) {
			b, elsewhere := newBench(t, Options{}), t.TempDir()
			numbered(t, b.folder, "%02d.png", 0, 10)
			numbered(t, elsewhere, "disk/%02d.png", 100, 10)
			link(t, b.folder, map[string]string{"away": filepath.Join(elsewhere, "disk")})
			b.runAs(t, b.following(t))
			for _, name := range []string{"2", "3", "4", "5", "6", "7", "8", "9"} {
				b.remove(t, "0"+name+".png")
				removeAll(t, filepath.Join(elsewhere, "disk/0"+name+".png"))
			}
			queue, worker := newJobs(t, b, 2)
			job, err := queue.Index(t.Context(), "c", JobParams{Directory: b.folder, ConfirmRemoval: true, Rules: source.Rules{FollowLinks: true}})
			if err != nil {
				t.Fatal(err)
			}
			test.meanwhile(t, b, queue, job.ID)
			worker.Start(t.Context())
			defer stopJobs(t, worker)
			if test.left == 20 {
				job = waitFor(t, queue, job.ID, catalog.JobFailed)
				if !strings.Contains(job.Error, ErrRemovalWithheld.Error()) || !strings.Contains(job.Error, "other folders") {
					t.Errorf("it failed for another reason: %s", job.Error)
				}
			} else {
				waitFor(t, queue, job.ID, catalog.JobSucceeded)
			}
			if got := b.index.count("c"); got != test.left {
				t.Errorf("%d images are left, want %d", got, test.left)
			}
			b.wantMirror(t)
		})
	}
}

// vanishing is a source whose disk goes as soon as it is walked.
type vanishing struct {
	source.Source
	vanish func()
}

func (v vanishing) Walk(ctx context.Context, visitor source.Visitor) error {
	v.vanish()
	return v.Source.Walk(ctx, visitor)
}

// Count does not look: it would, at the very moment when the disk goes.
func (v vanishing) Count(context.Context) (int, error) { return 0, nil }

// TestConfirmationOfARun: it does not hold for a disk that goes while the run is at work.
func TestConfirmationOfARun(t *testing.T) {
	b := newBench(t, Options{})
	b.fill(t, 10)
	b.remove(t, "00.png")
	request := b.request(t)
	var err error
	if request.ConfirmedFor, err = b.confirmation(t.Context(), "c", request.Source.Name()); err != nil {
		t.Fatal(err)
	}
	request.ConfirmRemoval = true
	request.Source = vanishing{request.Source, func() { vanish(t, b.folder) }}
	report, err := b.Run(t.Context(), request, nil)
	if !errors.Is(err, ErrRemovalWithheld) || report.Withheld != 10 || b.index.count("c") != 10 {
		t.Errorf("got %v, %d withheld, %d left", err, report.Withheld, b.index.count("c"))
	}
}
