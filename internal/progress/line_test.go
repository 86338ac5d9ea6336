package progress

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestLinesThatStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		line := New(&out)
		for second := range 14 {
			line.Show(Count{Done: second, Total: 14, What: "pictures"})
			line.Show(costly{t, second}) // never: it is always too early
			time.Sleep(time.Second)
		}
		line.Note(Text("one was skipped"))
		line.End()
		want := "2 of 14 pictures\n7 of 14 pictures\n12 of 14 pictures\none was skipped\n"
		if out.String() != want {
			t.Errorf("it says %q, want %q", out.String(), want)
		}
	})
}

// costly must not be made into a text.
type costly struct {
	t      *testing.T
	second int
}

func (c costly) String() string {
	c.t.Errorf("a text was made in second %d for nobody", c.second)
	return ""
}

func TestOverSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		line := New(&out)
		line.Show(Text("begun"))
		time.Sleep(patience - time.Nanosecond)
		line.Show(Text("nearly done"))
		line.End()
		if out.Len() > 0 {
			t.Errorf("it says %q", out.String())
		}
	})
}

func TestTerminalLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		line := &Line{out: &out, live: true}
		line.Show(Text("1"))
		line.Show(Text("too early"))
		time.Sleep(frame)
		line.Show(Text("2"))
		line.Note(Text("try again"))
		line.Note(Text("and again"))
		time.Sleep(frame)
		line.Show(Text("3"))
		line.End()
		line.End()
		want := "\r\x1b[K1\r" + "\r\x1b[K2\r" + "\r\x1b[Ktry again\n" + "and again\n" + "\r\x1b[K3\r" + "\r\x1b[K"
		if out.String() != want {
			t.Errorf("it says %q, want %q", out.String(), want)
		}
	})
}

// brokenWriter is a terminal that has been closed.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("closed") }

func TestSharedAndBroken(t *testing.T) {
	line := &Line{out: brokenWriter{}, live: true}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			line.Show(Count{Done: i})
			line.Note(Text("x"))
			line.End()
		})
	}
	group.Wait()
}

func TestCount(t *testing.T) {
	for want, count := range map[string]Count{
		"0 of 9 texts": {Total: 9, What: "texts"},
		"12 of 300 pictures, 4.5 a second, 1m4s left": {12, 300, "pictures", 4.46, 64400 * time.Millisecond},
		"1 of 2 pictures, 0.1 a second":               {1, 2, "pictures", 0.1, 0},
	} {
		if got := fmt.Sprint(count); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
