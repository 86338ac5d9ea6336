package progress

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

const (
	patience = 2 * time.Second        // before the first line that stays
	interval = 5 * time.Second        // between two lines that stay
	frame    = 200 * time.Millisecond // between two changes of a terminal's line
)

// Line shows the progress of one thing. Several goroutines may use it. What cannot
// be written is left out: it is no reason to stop the work.
type Line struct {
	out  io.Writer
	live bool // out is a terminal

	mutex sync.Mutex
	next  time.Time // that something may be shown
	shown bool      // the terminal's line is not empty
}

// New begins a line. Whether out is a terminal is found out here.
func New(out io.Writer) *Line {
	if filter, ok := out.(interface{ Unwrap() io.Writer }); ok { // which would take out what moves the cursor
		out = filter.Unwrap()
	}
	line := &Line{out: out, live: isTerminal(out)}
	if !line.live {
		line.next = time.Now().Add(patience)
	}
	return line
}

// isTerminal reports whether somebody may be looking.
func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Show shows how far things have come, if it is time to: it may be called as often
// as anything changes. Only then does it turn state into a text, of one line.
func (l *Line) Show(state fmt.Stringer) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	now := time.Now()
	if now.Before(l.next) {
		return
	}
	if l.live {
		// The cursor ends where it began, so that what others write, such as
		// a log, begins a line and takes the place of this one.
		fmt.Fprintf(l.out, "\r\x1b[K%s\r", state)
		l.shown, l.next = true, now.Add(frame)
		return
	}
	fmt.Fprintln(l.out, state)
	l.next = now.Add(interval)
}

// Note shows at once something that stays to be read.
func (l *Line) Note(text fmt.Stringer) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.clear()
	fmt.Fprintln(l.out, text)
}

// End takes the line off a terminal. More may follow.
func (l *Line) End() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.clear()
}

func (l *Line) clear() {
	if l.shown {
		fmt.Fprint(l.out, "\r\x1b[K")
		l.shown = false
	}
}
