package fetch

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxBackOff = 30 * time.Second
	// farOff is the longest time that a host can ask for. It is more than is ever waited.
	farOff = 365 * 24 * time.Hour
)

// retryAfter reads the field of that name in both of its forms (RFC 9110, 10.2.3), and
// gives 0 if there is none that can be read.
func retryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if text != "" && strings.Trim(text, "0123456789") == "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil || seconds > int64(farOff/time.Second) {
			return farOff
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), farOff)
}

// backOff is how long to wait after an attempt: twice as long each time, and at random
// between the half of that and all of it, so that not all come again at once.
func (o Options) backOff(attempt int) time.Duration {
	wait := min(o.FirstWait<<min(attempt-1, 16), maxBackOff)
	return wait/2 + rand.N(wait/2+1)
}

// next says whether there is another attempt, and after what time.
func (o Options) next(attempt int, e *Error) (time.Duration, bool) {
	if !e.again || attempt >= o.Attempts || e.After > o.MaxWait {
		return 0, false
	}
	return max(o.backOff(attempt), e.After), true
}
