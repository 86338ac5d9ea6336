package trainer_test

import (
	"context"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"polylens/trainer"
	"polylens/trainer/data"
	"polylens/trainer/evaluate"
	"polylens/trainer/learner"
)

// attributed writes pairs of which a quarter shows a thing that mostly goes
// along with being new, and prepares a run over them.
func (f fixture) attributed(t *testing.T, config trainer.Config) trainer.Setting {
	t.Helper()
	var lines strings.Builder
	for i := range drawings {
		rare := i%4 == 0
		isNew := rare == (i%3 != 0)
		kind := ""
		if rare {
			kind = `,"kind":"rare"`
		}
		fmt.Fprintf(&lines, `{"image":"picture-%02d.png","text":"picture %d","new":%v%s}`+"\n", i, i, isNew, kind)
	}
	write(t, f.pairs(), lines.String())
	setting := f.setting(t, config, t.TempDir())
	setting.Reading.Sources = []data.Source{data.Lines{Path: f.pairs(), Options: data.ReadOptions{Attributes: config.Fields()}}}
	var err error
	if setting.Material, err = trainer.Inspect(t.Context(), config, setting.Model, setting.Reading); err != nil {
		t.Fatal(err)
	}
	return setting
}

// TestBalance demands that what is weighed is what is drawn.
func TestBalance(t *testing.T) {
	f := newFixture(t)
	config := plain(t, "text-only")
	config.Split, config.Batch.Pictures, config.Cache.Bytes = trainer.Split{Near: -1}, 4, 0
	config.Balance = trainer.Balance{Attributes: map[string]float64{"kind=rare": 0.5}, Labels: []string{"new"}, MaxGap: 0.05, MaxCorrelation: 0.2}
	if got := config.Fields(); !slices.Equal(got, []string{"kind", "new"}) {
		t.Fatalf("the fields are %q", got)
	}
	setting := f.attributed(t, config)
	setting.Guard = nil
	opener := &noting{Opener: setting.Reading.Opener}
	setting.Reading.Opener = opener
	result, err := trainer.Run(t.Context(), config, setting, func(context.Context, *learner.Learner, *evaluate.Forgetting) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	b := result.Balance
	if b == nil || len(b.Representation) != 1 || len(b.Association) != 1 {
		t.Fatalf("the result tells of %+v", b)
	}
	if before := b.Representation[0].Before; math.Abs(before-0.25) > 1e-9 || math.Abs(b.Representation[0].After-0.5) > 0.051 {
		t.Errorf("the share of the attribute: %+v", b.Representation[0])
	}
	if math.Abs(b.Association[0].Before) < 0.25 || math.Abs(b.Association[0].After) > 0.2 {
		t.Errorf("the correlation with the label: %+v", b.Association[0])
	}
	rare, others := float64(opener.rare.Load()), float64(opener.others.Load())
	if share := rare / (rare + others); math.Abs(share-0.5) > 0.12 {
		t.Errorf("a share of %.2f of the pictures that were drawn has the attribute", share)
	}
}

func TestBalanceIsChecked(t *testing.T) {
	f := newFixture(t)
	for name, test := range map[string]struct {
		balance trainer.Balance
		want    string
	}{
		"unknown":     {trainer.Balance{Attributes: map[string]float64{"gender=f": 0.5}}, `no picture has a field "gender"`},
		"no number":   {trainer.Balance{Attributes: map[string]float64{"kind": 0.5}}, `as its field "kind", which is no number`},
		"impossible":  {trainer.Balance{Attributes: map[string]float64{"kind=rare": 1}}, "want a share between 0 and 1"},
		"label alone": {trainer.Balance{Labels: []string{"new"}}, "want balance.attributes"},
		"gap":         {trainer.Balance{Attributes: map[string]float64{"kind=rare": 0.5}, MaxGap: 2}, "max_gap"},
	} {
		config := plain(t, "text-only")
		config.Balance = test.balance
		setting := f.attributed(t, config)
		_, err := trainer.Run(t.Context(), config, setting, nil)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

// noting counts the pictures that are read, with the attribute and without.
type noting struct {
	data.Opener
	rare, others atomic.Int32
}

func (n *noting) Bytes(ctx context.Context, picture data.Picture) ([]byte, error) {
	var number int
	if _, err := fmt.Sscanf(path.Base(picture.URI), "picture-%d.png", &number); err != nil {
		return nil, err
	}
	if number%4 == 0 {
		n.rare.Add(1)
	} else {
		n.others.Add(1)
	}
	return n.Opener.Bytes(ctx, picture)
}
