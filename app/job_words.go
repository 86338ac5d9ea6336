package main

import (
	"fmt"
	"strings"
	"time"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/internal/progress"
	"polylens/web"
)

// doneText says how far a job has come or what came of it, "" if there is nothing to
// say.
func doneText(job web.Job) string {
	switch {
	case job.Check != nil:
		return checkWords(*job.Check) + furtherWords(job.Findings)
	case job.Progress.Total > 0:
		return fmt.Sprintf("%d of %d pictures", job.Progress.Done, job.Progress.Total)
	}
	return ""
}

// progressOf is the line that shows how far a job has come.
func progressOf(job web.Job) fmt.Stringer {
	switch {
	case job.Progress.Total > 0:
		return countOf(job)
	case job.Kind == indexer.JobIndex && job.State == catalog.JobRunning:
		return progress.Text("looking for pictures")
	case job.Kind == indexer.JobIndex && job.State == catalog.JobQueued:
		return progress.Text("waiting for other jobs")
	}
	return progress.Text(strings.Join(strings.Fields(fmt.Sprintf("%s %s: %s", job.Kind, job.Collection, job.State)), " "))
}

// timeText is a time for people, by their clock.
func timeText(moment time.Time) string { return moment.Local().Format(time.DateTime) }

// checkWords says for people what a check found and did.
func checkWords(found web.Check) string {
	text := "the index agrees"
	if differs(found) {
		text = fmt.Sprintf("%d missing, %d extra, %d outdated", found.Missing, found.Extra, found.Outdated)
	}
	if found.Repaired > 0 {
		text += fmt.Sprintf(", %d rows repaired", found.Repaired)
	}
	return text
}

func differs(found web.Check) bool { return found.Missing+found.Extra+found.Outdated > 0 }

// findingWords says for people what was found, of one kind.
func findingWords(found web.Finding) string {
	text := fmt.Sprintf("%d %s", found.Count, found.Words)
	if len(found.Examples) > 0 {
		text += " (" + strings.Join(found.Examples, ", ")
		if found.Count > len(found.Examples) {
			text += ", …"
		}
		text += ")"
	}
	if found.Repaired > 0 {
		text += fmt.Sprintf("; %d repaired", found.Repaired)
	}
	if found.Remedy != "" && found.Count > found.Repaired {
		text += "; " + found.Remedy
	}
	return text
}

// furtherWords says how many faults a check found besides, and has left.
func furtherWords(findings []web.Finding) string {
	faults, left := 0, 0
	for _, found := range findings {
		if !found.Harmless {
			faults, left = faults+found.Count, left+found.Count-found.Repaired
		}
	}
	if faults == 0 {
		return ""
	}
	return fmt.Sprintf(", %d further faults, %d of them left", faults, left)
}
