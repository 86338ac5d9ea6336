package progress

import (
	"fmt"
	"time"
)

// Text is a line that is ready.
type Text string

func (t Text) String() string { return string(t) }

// Count is how many of some things are done.
type Count struct {
	Done, Total int
	What        string        // the things, in the plural: "pictures"
	Rate        float64       // things a second; 0 if nobody knows
	Left        time.Duration // until all are done, at this rate; 0 if nobody knows
}

// String is such as "12 of 300 pictures, 4.5 a second, 1m4s left".
func (c Count) String() string {
	text := fmt.Sprintf("%d of %d %s", c.Done, c.Total, c.What)
	if c.Rate > 0 {
		text += fmt.Sprintf(", %.1f a second", c.Rate)
	}
	if c.Left > 0 {
		text += fmt.Sprintf(", %s left", c.Left.Round(time.Second))
	}
	return text
}
