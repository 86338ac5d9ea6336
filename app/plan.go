package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"polylens/web"
)

// printPlan says what a job would do.
func (c *indexCommand) printPlan(p *program, job web.Job) error {
	if err := outcome(job, "the plan for "+c.Collection, "nothing was changed"); err != nil {
		return err
	}
	for _, failure := range job.Failures {
		fmt.Fprintf(p.terminal.err, "would fail: %s: %s\n", placeWords(failure.URI), failure.Reason)
	}
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(job)
	}
	p.print("%s", planWords(c.Collection, *job.Plan))
	return nil
}

// planWords says for people what a job would do.
func planWords(collection string, plan web.Plan) string {
	var parts []string
	for _, part := range []struct {
		count int
		what  string
	}{
		{plan.New, "new"}, {plan.Changed, "changed"}, {plan.Unchanged, "unchanged"}, {plan.Removed, "removed"},
		{plan.Unread, "perhaps changed"}, {plan.Failed, "would fail"},
	} {
		if part.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.count, part.what))
		}
	}
	words := fmt.Sprintf("Plan for %s: %s. ", collection, strings.Join(append(parts, "nothing else")[:max(1, len(parts))], ", "))
	if plan.Encode == 0 {
		words += "No picture has to be encoded. "
	} else {
		words += fmt.Sprintf("%d pictures have to be encoded, which takes about %s (%.3g a second). ", plan.Encode, roughly(plan.Seconds), plan.Rate)
	}
	if plan.Known > 0 {
		words += fmt.Sprintf("The vectors of %d are known. ", plan.Known)
	}
	return words + "Nothing was changed."
}

// roughly is a time for people.
func roughly(seconds float64) string {
	return max(time.Duration(seconds*float64(time.Second)).Round(time.Second), time.Second).String()
}
