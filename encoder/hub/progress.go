package hub

import (
	"fmt"
	"sync"
	"time"
)

// Stages that a pull passes.
const (
	StageWait  = "wait"  // another process is pulling or removing the model
	StageList  = "list"  // asking the hub what the model is made of
	StageFetch = "fetch" // repeated while files arrive
	StageRetry = "retry" // something went wrong and is tried again
	StageReady = "ready" // whole and in its place
)

// Event says how far a pull has come.
type Event struct {
	Model       string  `json:"model"`
	Stage       string  `json:"stage"`
	Bytes       int64   `json:"bytes,omitempty"`            // that are here, of all files
	Total       int64   `json:"total,omitempty"`            // bytes of all files
	Rate        float64 `json:"bytes_per_second,omitempty"` // lately
	SecondsLeft float64 `json:"seconds_left,omitempty"`     // at this rate; 0 when unknown
	Reason      string  `json:"reason,omitempty"`           // of another attempt
}

// String is one line for people.
func (e Event) String() string {
	switch e.Stage {
	case StageWait:
		return e.Model + ": waiting for another process that is at work on it"
	case StageList:
		return e.Model + ": asking the hub"
	case StageRetry:
		return fmt.Sprintf("%s: %s", e.Model, e.Reason)
	case StageReady:
		return fmt.Sprintf("%s: ready, %.1f MB", e.Model, megabytes(e.Total))
	}
	line := fmt.Sprintf("%s: %.1f of %.1f MB, %.1f MB/s", e.Model, megabytes(e.Bytes), megabytes(e.Total), e.Rate/1e6)
	if e.SecondsLeft > 0 {
		line += ", " + time.Duration(e.SecondsLeft*float64(time.Second)).Round(time.Second).String() + " left"
	}
	return line
}

func megabytes(bytes int64) float64 { return float64(bytes) / 1e6 }

// progress counts bytes and sends events one at a time.
type progress struct {
	model string
	tell  func(Event)

	mutex sync.Mutex
	bytes int64
	total int64
	rate  float64
}

func newProgress(model string, tell func(Event)) *progress {
	if tell == nil {
		tell = func(Event) {}
	}
	return &progress{model: model, tell: tell}
}

// add counts bytes that have arrived, or are lost when negative.
func (p *progress) add(bytes int64) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.bytes += bytes
}

func (p *progress) stage(stage, reason string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.tell(Event{Model: p.model, Stage: stage, Bytes: p.bytes, Total: p.total, Reason: reason})
}

// interval is the time between two events of StageFetch.
const interval = 250 * time.Millisecond

// repeat sends StageFetch again and again until the returned function is called. No
// event is sent after that.
func (p *progress) repeat() (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	before := p.bytes
	go func() {
		defer close(ended)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				before = p.tick(before)
			}
		}
	}()
	return func() { close(done); <-ended }
}

// tick smooths the rate over about three seconds.
func (p *progress) tick(before int64) int64 {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	rate := max(0, float64(p.bytes-before)/interval.Seconds())
	if p.rate == 0 {
		p.rate = rate
	}
	p.rate += (rate - p.rate) / 12
	event := Event{Model: p.model, Stage: StageFetch, Bytes: p.bytes, Total: p.total, Rate: p.rate}
	if p.rate > 0 {
		event.SecondsLeft = float64(p.total-p.bytes) / p.rate
	}
	p.tell(event)
	return p.bytes
}
