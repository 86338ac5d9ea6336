package watch

import (
	"encoding/json"
	"time"

	"polylens/indexer"
	"polylens/indexer/catalog"
)

// How soon a scan follows.
const (
	quiet         = 3 * time.Second  // after the last of some events
	longestQuiet  = time.Minute      // after the first of them, however many follow
	shortestPause = 5 * time.Second  // between two scans
	failedPause   = 5 * time.Minute  // after one that failed, or that was withheld
	withheldPause = 24 * time.Hour   // by the clock, after one that was withheld
	leadPause     = 15 * time.Second // between two looks whether a disk has come back
	// A folder that changes all the time is scanned for at most one part in so many of the
	// time.
	pauseFactor = 10
)

// pace is what is remembered of a source between two looks at it. All times are of this
// process' clock, so that no other one matters.
type pace struct {
	first, last time.Time // of the changes that no scan has seen; zero: none

	job       string    // the last scan that was seen
	looked    time.Time // when this was last compared
	unstarted time.Time // that scan began later than this
	ended     time.Time // when it was over; zero: it is not
	duration  time.Duration
	jitter    float64 // share of the interval by which the next one is later

	leadLooked time.Time
	notBefore  time.Time // after an order that failed
}

// change notes that something has changed.
func (p *pace) change(now time.Time) {
	if p.first.IsZero() {
		p.first = now
	}
	p.last = now
}

// see takes notice of the last scan of a source, which was read after now.
func (p *pace) see(scan catalog.Job, now time.Time, jitter func() float64) {
	if scan.ID != p.job {
		p.job, p.unstarted, p.ended, p.jitter = scan.ID, p.looked, time.Time{}, jitter()
	}
	p.looked = now
	switch {
	case !scan.State.Finished():
		p.ended = time.Time{}
		if scan.Started.IsZero() {
			p.unstarted = now
		}
	case p.ended.IsZero():
		p.ended, p.duration = now, scan.Finished.Sub(scan.Started)
		if scan.Finished.Before(now) {
			p.ended = scan.Finished
		}
		p.forgetSeen(scan)
	}
}

// forgetSeen forgets the changes that a scan has seen, since it began later. Of one that
// failed nobody knows.
func (p *pace) forgetSeen(scan catalog.Job) {
	switch {
	case scan.State == catalog.JobFailed && !isWithheld(scan), p.first.IsZero():
	case scan.State == catalog.JobCanceled, !p.last.After(p.unstarted):
		p.first, p.last = time.Time{}, time.Time{}
	case !p.first.After(p.unstarted):
		p.first = p.last
	}
}

// due reports whether a source is to be scanned now.
func (p *pace) due(source catalog.KeptSource, now time.Time) bool {
	switch {
	case now.Before(p.notBefore):
		return false
	case source.Last.ID == "":
		return true
	case p.ended.IsZero():
		return false
	}
	every := source.Every
	if isWithheld(source.Last) {
		every = max(every, withheldPause)
	}
	return !now.Before(p.ended.Add(every+time.Duration(p.jitter*float64(source.Every)))) || p.changed(source, now)
}

// changed reports whether there are changes that it is time for.
func (p *pace) changed(source catalog.KeptSource, now time.Time) bool {
	if p.first.IsZero() || now.Sub(p.last) < quiet && now.Sub(p.first) < longestQuiet {
		return false
	}
	pause := p.pause(source)
	if source.Last.State == catalog.JobFailed {
		pause = max(pause, failedPause)
	}
	return !now.Before(p.ended.Add(pause))
}

// pause is how long a source is left alone after a scan.
func (p *pace) pause(source catalog.KeptSource) time.Duration {
	return min(max(shortestPause, pauseFactor*p.duration), source.Every)
}

// mayLook reports whether it is time to see if the folders of a source whose last scan was
// withheld have changed.
func (p *pace) mayLook(source catalog.KeptSource, now time.Time) bool {
	if !isWithheld(source.Last) || now.Before(p.notBefore) || p.ended.IsZero() || now.Before(p.ended.Add(p.pause(source))) || now.Before(p.leadLooked.Add(leadPause)) {
		return false
	}
	p.leadLooked = now
	return true
}

// isWithheld reports whether a scan removed nothing since too much was gone.
func isWithheld(scan catalog.Job) bool {
	var progress indexer.Progress
	_ = json.Unmarshal(scan.Progress, &progress) // written by Polylens itself
	return scan.State == catalog.JobFailed && progress.Withheld > 0
}
