package trainer_test

import (
	"path/filepath"
	"strings"
	"testing"

	"polylens/trainer"
)

// TestSelection demands that pictures are chosen by the seed and the step alone,
// also by a run that goes on, and that choosing changes what is trained on.
func TestSelection(t *testing.T) {
	f := newFixture(t)
	for _, mode := range []string{"full", "last-1"} {
		config := plain(t, mode)
		config.Batch.Accumulate, config.Batch.Pictures, config.Batch.Texts = 2, 4, 2
		all := f.weightsOf(t, config, t.TempDir())
		config.Selection = trainer.Selection{Teacher: f.model(), SuperBatch: 2, Chunks: 4}
		chosen := f.weightsOf(t, config, t.TempDir())
		if chosen == all {
			t.Errorf("%s: choosing changes nothing", mode)
		}
		folder := t.TempDir()
		f.interrupted(t, config, folder, 7)
		if f.weightsOf(t, config, folder) != chosen {
			t.Errorf("%s: a run that goes on chooses others", mode)
		}
		config.Selection.SuperBatch = 3
		if f.weightsOf(t, config, t.TempDir()) == chosen {
			t.Errorf("%s: the super-batch makes no difference", mode)
		}
	}
}

func TestTeacherIsChecked(t *testing.T) {
	f := newFixture(t)
	mini, err := filepath.Abs(filepath.Join("..", "encoder", "hub", "polylens-mini"))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		selection trainer.Selection
		want      string
	}{
		"missing":    {trainer.Selection{Teacher: f.folder, SuperBatch: 2, Chunks: 1}, "selection.teacher"},
		"resolution": {trainer.Selection{Teacher: mini, SuperBatch: 2, Chunks: 1}, "same resolution"},
		"relative":   {trainer.Selection{Teacher: "model", SuperBatch: 2, Chunks: 1}, "absolute path"},
		"nothing":    {trainer.Selection{Teacher: f.model(), SuperBatch: 1, Chunks: 1}, "super_batch 1"},
		"too few":    {trainer.Selection{Teacher: f.model(), SuperBatch: 2}, "chunks 0"},
	} {
		config := plain(t, "text-only")
		config.Selection = test.selection
		if _, err := f.train(t.Context(), t, config, t.TempDir()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}
