package balance

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// repeated makes columns of examples from the counts of cells.
func repeated(names []string, cells map[[3]float64]int) []Column {
	columns := make([]Column, len(names))
	var keys [][3]float64
	for key := range cells {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b [3]float64) int { return slices.Compare(a[:], b[:]) })
	for i, name := range names {
		columns[i].Name = name
		for _, key := range keys {
			columns[i].Values = append(columns[i].Values, slices.Repeat([]float64{key[i]}, cells[key])...)
		}
	}
	return columns
}

// biased has attributes that depend on each other, and labels that depend on
// them: two of zeros and ones, of which one is rare, and one of any numbers.
func biased(count int) []Column {
	random := rand.New(rand.NewPCG(1, 2))
	columns := []Column{{Name: "woman"}, {Name: "old"}, {Name: "nurse"}, {Name: "outdoors"}, {Name: "price"}}
	chance := func(p float64) float64 {
		if random.Float64() < p {
			return 1
		}
		return 0
	}
	for range count {
		woman := chance(0.3)
		old := chance(0.15 + 0.1*woman)
		values := []float64{woman, old, chance(0.005 + 0.03*woman), chance(0.6 - 0.2*old), 1000 * (random.NormFloat64() + 0.5*woman + 3)}
		for i, value := range values {
			columns[i].Values = append(columns[i].Values, value)
		}
	}
	return columns
}

var wanted = Goal{
	Attributes: []Target{{"woman", 0.5}, {"old", 0.3}},
	Labels:     []string{"nurse", "outdoors", "price"},
	MaxGap:     0.005, MaxCorrelation: 0.01,
}

func weigh(t *testing.T, columns []Column, goal Goal) Result {
	t.Helper()
	result, err := Weigh(columns, goal)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// moments computes means and correlations anew, example by example.
func moments(first, second, weights []float64) (mean, correlation float64) {
	var total, x, y, xx, yy, xy float64
	for i, w := range weights {
		total += w
		x, y = x+w*first[i], y+w*second[i]
	}
	x, y = x/total, y/total
	for i, w := range weights {
		dx, dy := first[i]-x, second[i]-y
		xx, yy, xy = xx+w*dx*dx, yy+w*dy*dy, xy+w*dx*dy
	}
	return x, xy / math.Sqrt(xx*yy)
}

func TestBiasIsRemoved(t *testing.T) {
	columns := biased(5000)
	result := weigh(t, columns, wanted)
	t.Logf("%+v", result.Representation)
	t.Logf("%+v kept %v", result.Association, result.Kept)
	for k, target := range wanted.Attributes {
		mean, _ := moments(columns[k].Values, columns[k].Values, result.Weights)
		if math.Abs(mean-target.Mean) > wanted.MaxGap {
			t.Errorf("%s has the mean %v, want %v", target.Attribute, mean, target.Mean)
		}
		if got := result.Representation[k]; math.Abs(got.After-mean) > 1e-9 || got.Attribute != target.Attribute || got.Target != target.Mean {
			t.Errorf("%+v is reported of the mean %v", got, mean)
		}
		for r := range wanted.Labels {
			_, correlation := moments(columns[k].Values, columns[2+r].Values, result.Weights)
			if math.Abs(correlation) > wanted.MaxCorrelation {
				t.Errorf("%s goes along with %s: %v", target.Attribute, wanted.Labels[r], correlation)
			}
			got := result.Association[k*len(wanted.Labels)+r]
			if math.Abs(got.After-correlation) > 1e-9 || got.Label != wanted.Labels[r] {
				t.Errorf("%+v is reported of the correlation %v", got, correlation)
			}
		}
	}
	if before := result.Association[2].Before; before < 0.2 {
		t.Errorf("the data is not biased: %v", before)
	}
	if bad := slices.IndexFunc(result.Weights, func(w float64) bool { return !(w >= 0 && w <= 1) }); bad >= 0 {
		t.Errorf("example %d has the weight %v", bad, result.Weights[bad])
	}
}

func TestEqualDataGivesEqualWeights(t *testing.T) {
	first, second := weigh(t, biased(2000), wanted), weigh(t, biased(2000), wanted)
	if !reflect.DeepEqual(first, second) {
		t.Error("the results differ")
	}
}

// TestHandCases have optima that can be written down: of a group that is too
// large, the surplus goes, and nothing else.
func TestHandCases(t *testing.T) {
	for _, test := range []struct {
		name  string
		cells map[[3]float64]int // s, y
		goal  Goal
		kept  float64
		want  map[[3]float64]float64 // weights
	}{
		{"representation", map[[3]float64]int{{0, 0}: 80, {1, 0}: 10, {1, 1}: 10},
			Goal{Attributes: []Target{{"s", 0.5}}}, 0.4,
			map[[3]float64]float64{{0, 0}: 0.25, {1, 0}: 1, {1, 1}: 1}},
		{"another target", map[[3]float64]int{{0, 0}: 80, {1, 0}: 10, {1, 1}: 10},
			Goal{Attributes: []Target{{"s", 0.25}}}, 0.8,
			map[[3]float64]float64{{0, 0}: 0.75, {1, 0}: 1, {1, 1}: 1}},
		{"already met", map[[3]float64]int{{0, 0}: 50, {1, 0}: 25, {1, 1}: 25},
			Goal{Attributes: []Target{{"s", 0.5}}}, 1,
			map[[3]float64]float64{{0, 0}: 1, {1, 0}: 1, {1, 1}: 1}},
		{"association", map[[3]float64]int{{1, 1}: 40, {1, 0}: 10, {0, 1}: 20, {0, 0}: 30},
			Goal{Attributes: []Target{{"s", 0.5}}, Labels: []string{"y"}}, 0.6,
			map[[3]float64]float64{{1, 1}: 0.5, {1, 0}: 1, {0, 1}: 1, {0, 0}: 1. / 3}},
	} {
		t.Run(test.name, func(t *testing.T) {
			columns := repeated([]string{"s", "y"}, test.cells)
			test.goal.MaxGap, test.goal.MaxCorrelation = leastLimit, leastLimit
			result := weigh(t, columns, test.goal)
			if math.Abs(result.Kept-test.kept) > 2e-3 {
				t.Errorf("%v is kept, want %v", result.Kept, test.kept)
			}
			for i, weight := range result.Weights {
				cell := [3]float64{columns[0].Values[i], columns[1].Values[i]}
				if math.Abs(weight-test.want[cell]) > 2e-3 {
					t.Fatalf("cell %v has the weight %v, want %v", cell, weight, test.want[cell])
				}
			}
		})
	}
}

// TestNearTheOptimum compares what is kept with the most that any weights can
// keep, found by trying every corner of a small linear program.
func TestNearTheOptimum(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for trial := range 10 {
		counts := map[[3]float64]int{}
		for i := range 8 {
			counts[[3]float64{float64(i & 1), float64(i >> 1 & 1), float64(i >> 2)}] = 20 + random.IntN(200)
		}
		goal := Goal{Attributes: []Target{{"a", 0.5}, {"b", 0.4}}, Labels: []string{"y"}, MaxGap: leastLimit, MaxCorrelation: leastLimit}
		result := weigh(t, repeated([]string{"a", "b", "y"}, counts), goal)
		most := mostKept(counts)
		t.Logf("trial %d: %.4f is kept of at most %.4f", trial, result.Kept, most)
		if result.Kept < 0.99*most || result.Kept > most+2e-3 {
			t.Errorf("%v is kept, at most %v can be", result.Kept, most)
		}
	}
}

// mostKept is the largest mean weight under the exact constraints of
// TestNearTheOptimum. A corner has as many weights between 0 and 1 as there
// are constraints: four of eight.
func mostKept(counts map[[3]float64]int) float64 {
	var share, rows = make([]float64, 8), make([][]float64, 4)
	total := 0
	for _, count := range counts {
		total += count
	}
	for i := range 8 {
		cell := [3]float64{float64(i & 1), float64(i >> 1 & 1), float64(i >> 2)}
		share[i] = float64(counts[cell]) / float64(total)
		a, b, y := cell[0]-0.5, cell[1]-0.4, cell[2]
		for k, value := range []float64{a, b, a * y, b * y} {
			rows[k] = append(rows[k], share[i]*value)
		}
	}
	best := 0.0
	for free := range 256 {
		if ones(free) != 4 {
			continue
		}
		for full := range 256 {
			if full&free != 0 {
				continue
			}
			if q, ok := corner(rows, free, full); ok {
				kept := 0.0
				for i := range q {
					kept += share[i] * q[i]
				}
				best = max(best, kept)
			}
		}
	}
	return best
}

func ones(bits int) (count int) {
	for ; bits > 0; bits &= bits - 1 {
		count++
	}
	return count
}

// corner solves for the free weights, with the others at 0 or 1.
func corner(rows [][]float64, free, full int) ([]float64, bool) {
	var at []int
	for i := range 8 {
		if free>>i&1 == 1 {
			at = append(at, i)
		}
	}
	system := make([][]float64, 4)
	for k, row := range rows {
		system[k] = make([]float64, 5)
		for j, i := range at {
			system[k][j] = row[i]
		}
		for i := range 8 {
			system[k][4] -= row[i] * float64(full>>i&1)
		}
	}
	solution, ok := gauss(system)
	q := make([]float64, 8)
	for i := range q {
		q[i] = float64(full >> i & 1)
	}
	for j, i := range at {
		if ok = ok && solution[j] >= -1e-9 && solution[j] <= 1+1e-9; ok {
			q[i] = solution[j]
		}
	}
	return q, ok
}

// gauss solves a system whose last column is the right side.
func gauss(system [][]float64) ([]float64, bool) {
	n := len(system)
	for i := range n {
		pivot := i
		for k := i; k < n; k++ {
			if math.Abs(system[k][i]) > math.Abs(system[pivot][i]) {
				pivot = k
			}
		}
		if math.Abs(system[pivot][i]) < 1e-12 {
			return nil, false
		}
		system[i], system[pivot] = system[pivot], system[i]
		for k := range n {
			if k == i {
				continue
			}
			factor := system[k][i] / system[i][i]
			for j := range system[k] {
				system[k][j] -= factor * system[i][j]
			}
		}
	}
	solution := make([]float64, n)
	for i := range n {
		solution[i] = system[i][n] / system[i][i]
	}
	return solution, true
}

// TestUtility demands that of a group that is too large, the better half stays.
func TestUtility(t *testing.T) {
	columns := repeated([]string{"s"}, map[[3]float64]int{{0}: 80, {1}: 20})
	goal := Goal{Attributes: []Target{{"s", 0.5}}, Utility: slices.Repeat([]float64{1}, 100)}
	for i := range 40 {
		goal.Utility[i] = 0.5
	}
	result := weigh(t, columns, goal)
	worse, better := result.Weights[0], result.Weights[79]
	if worse > 0.1 || better < 0.4 {
		t.Errorf("the worse half has the weight %v, the better half %v", worse, better)
	}
}

func TestRefused(t *testing.T) {
	columns := append(repeated([]string{"s", "y", "x"}, map[[3]float64]int{{0, 0, 1}: 5, {1, 1, 0}: 5, {0, 1, 0}: 5}),
		Column{Name: "always", Values: slices.Repeat([]float64{1}, 15)},
		Column{Name: "short", Values: []float64{0, 1}},
		Column{Name: "empty"},
		Column{Name: "broken", Values: append(slices.Repeat([]float64{1}, 14), math.NaN())})
	half := func(names ...string) (targets []Target) {
		for _, name := range names {
			targets = append(targets, Target{name, 0.5})
		}
		return targets
	}
	for _, test := range []struct {
		name string
		goal Goal
		want string
	}{
		{"nothing named", Goal{}, "no attribute is named, there are always, broken, empty, s, short, x, y"},
		{"unknown attribute", Goal{Attributes: half("gender")}, `there is no attribute "gender", but always, broken`},
		{"unknown label", Goal{Attributes: half("s"), Labels: []string{"z"}}, `there is no attribute "z", but`},
		{"constant", Goal{Attributes: half("always")}, `attribute "always" is 1 in all 15 examples`},
		{"constant label", Goal{Attributes: half("s"), Labels: []string{"always"}}, `attribute "always" is 1 in all 15 examples`},
		{"no examples", Goal{Attributes: half("empty")}, `attribute "empty" has no examples`},
		{"not zero or one", Goal{Attributes: half("broken")}, `attribute "broken" is NaN in example 14`},
		{"no number", Goal{Attributes: half("s"), Labels: []string{"broken"}}, `label "broken" is NaN in example 14`},
		{"lengths", Goal{Attributes: half("s", "short")}, `"short" is known of 2 examples, "s" of 15`},
		{"target", Goal{Attributes: []Target{{"s", 1}}}, `attribute "s" cannot have the mean 1`},
		{"target not a number", Goal{Attributes: []Target{{"s", math.NaN()}}}, "cannot have the mean NaN"},
		{"limit", Goal{Attributes: half("s"), MaxGap: -1}, "a limit of -1 cannot be kept"},
		{"limit too small", Goal{Attributes: half("s"), MaxCorrelation: 1e-9}, "a limit of 1e-09 cannot be kept"},
		{"twice", Goal{Attributes: half("s", "s")}, `"s" is named twice`},
		{"both", Goal{Attributes: half("s"), Labels: []string{"s"}}, `"s" is named twice`},
		{"utility", Goal{Attributes: half("s"), Utility: []float64{1}}, "the utility is known of 1 examples"},
		{"utility too large", Goal{Attributes: half("s"), Utility: slices.Repeat([]float64{2}, 15)}, "the utility of example 0 is 2"},
		{"utility of nothing", Goal{Attributes: half("s"), Utility: make([]float64, 15)}, "nothing would be kept"},
		// s and x exclude each other, and cannot both be at 0.8.
		{"infeasible", Goal{Attributes: []Target{{"s", 0.8}, {"x", 0.8}}}, "no weights meet the goal"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if result, err := Weigh(columns, test.goal); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %q; weights %v", err, test.want, result.Weights)
			}
		})
	}
}

func BenchmarkWeigh(b *testing.B) {
	columns := biased(100_000)
	for _, test := range []struct {
		name   string
		labels []string
	}{{"zeros and ones", []string{"nurse", "outdoors"}}, {"any numbers", []string{"nurse", "outdoors", "price"}}} {
		b.Run(test.name, func(b *testing.B) {
			goal := wanted
			goal.Labels = test.labels
			for b.Loop() {
				if _, err := Weigh(columns, goal); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func ExampleWeigh() {
	columns := []Column{
		{Name: "woman", Values: []float64{1, 0, 0, 0, 1, 0, 0, 0}},
		{Name: "doctor", Values: []float64{0, 1, 1, 0, 0, 1, 1, 0}},
	}
	result, err := Weigh(columns, Goal{Attributes: []Target{{Attribute: "woman", Mean: 0.4}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.2f of the examples are kept\n", result.Kept)
	fmt.Printf("women: %.2f before, %.2f after\n", result.Representation[0].Before, result.Representation[0].After)
	// Output:
	// 0.64 of the examples are kept
	// women: 0.25 before, 0.39 after
}
