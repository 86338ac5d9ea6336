package conformance

import (
	"fmt"
	"math"
	"strings"
)

// row is a line of the table: the files of a group.
type row struct {
	group                             string
	files, must, right, read          int
	refused, asPillow, faults, coarse int
	worst, worstPixels, peakMegabytes float64
}

// rows sums verdicts by group, in the order of the files.
func rows(verdicts []verdict) []row {
	var all []row
	at := map[string]int{}
	total := row{group: "all", worst: 1}
	for _, v := range verdicts {
		i, known := at[v.Group]
		if !known {
			i = len(all)
			at[v.Group] = i
			all = append(all, row{group: v.Group, worst: 1})
		}
		all[i].add(v)
		total.add(v)
	}
	return append(all, total)
}

func (r *row) add(v verdict) {
	r.files++
	r.peakMegabytes = max(r.peakMegabytes, float64(v.peak)/1e6)
	if v.readable() {
		r.must++
	}
	switch {
	case v.fault != "":
		r.faults++
		return
	case !v.read:
		r.refused++
		return
	}
	r.read++
	if v.readable() {
		r.right++
	}
	if v.asPillow {
		r.asPillow++
		return
	}
	if !math.IsNaN(v.cosine) {
		r.worst = min(r.worst, v.cosine)
	}
	if !math.IsNaN(v.difference) {
		r.worstPixels = max(r.worstPixels, v.difference)
		if v.difference > mostDifference {
			r.coarse++
		}
	}
}

// markdown is the table of docs/measurements.md.
func markdown(all []row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| files | number | to be read: right, of | worst cosine | worst difference of pixels (above %.0f) | refused with a named reason | faults | most memory |\n|---|---|---|---|---|---|---|---|\n", mostDifference)
	for _, r := range all {
		fmt.Fprintf(&b, "| %s | %d | %d of %d | %.5f | %.1f (%d) | %d | %d | %.0f MB |\n", r.group, r.files, r.right, r.must, r.worst, r.worstPixels, r.coarse, r.refused, r.faults, r.peakMegabytes)
	}
	return b.String()
}

// takenAsPillow lists the files on which Polylens is with Pillow, and another
// witness was taken.
func takenAsPillow(verdicts []verdict) string {
	var names []string
	for _, v := range verdicts {
		if v.asPillow {
			names = append(names, v.Name)
		}
	}
	return strings.Join(names, ", ")
}
