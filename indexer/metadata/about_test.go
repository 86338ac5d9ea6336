package metadata

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestMoment(t *testing.T) {
	for text, want := range map[string]string{
		"2024:05:01 18:30:05": "2024-05-01T18:30:05", "2024-05-01T18:30:05.123+02:00": "2024-05-01T18:30:05+02:00",
		"20240501T183005-0330": "2024-05-01T18:30:05-03:30", "2024-05-01T18:30Z": "2024-05-01T18:30:00Z",
		"2024-05-01": "2024-05-01", "2024-05": "2024-05", "2024": "2024", "2024:00:00 00:00:00": "2024",
		"2024:05:01 18:30:05\x00": "2024-05-01T18:30:05", "2024-05-01T18:30:05+00:00": "2024-05-01T18:30:05Z",
		"2024:02:30 00:00:00": "", "2024:05:01 25:00:00": "", "0000:00:00 00:00:00": "", "": "", "soon": "",
		"2024-05-01T18:30:60": "2024-05-01T18:30:00", "2024-05-01T18:30:05+99:00": "2024-05-01T18:30:05",
	} {
		if got := Moment(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestWithUTC(t *testing.T) {
	utc := time.Date(2024, 5, 1, 13, 0, 7, 0, time.UTC)
	for local, want := range map[string]string{
		"2024-05-01T18:30:05": "2024-05-01T18:30:05+05:30", "2024-05-01T13:00:50": "2024-05-01T13:00:50Z",
		"2024-05-01T05:00:00": "2024-05-01T05:00:00-08:00",
		"2024-05-01T18:37:05": "2024-05-01T18:37:05", // the satellites were last heard a while ago
		"2024-06-01T13:00:07": "2024-06-01T13:00:07",
		"2024-05-01":          "2024-05-01", "": "",
	} {
		if got := WithUTC(local, utc); got != want {
			t.Errorf("%q: got %q, want %q", local, got, want)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	for _, text := range []string{"OLYMPUS DIGITAL CAMERA", "SONY DSC", "IMG_2024.jpg", "DSC_0001", "DCIM\\100MEDIA\\DJI_0001.JPG", "20240501_183005", "P1000123"} {
		if !IsPlaceholder(text) {
			t.Errorf("%q counts as a caption", text)
		}
	}
	for _, text := range []string{"a red bicycle", "Paris 2024", "DSC members on a trip", "赤い自転車", "P"} {
		if IsPlaceholder(text) {
			t.Errorf("%q is left out", text)
		}
	}
}

// TestLimits: what is cut is named.
func TestLimits(t *testing.T) {
	var about About
	about.SetText(City, strings.Repeat("x", maxText+1))
	about.AddCaption("", strings.Repeat("x", MaxCaption+1))
	for i := range maxList + 2 {
		about.AddTexts(Tags, "tag "+time.Unix(int64(i), 0).String())
	}
	about.SetNumber(ISO, math.Inf(1))
	if list := about.Fields[Tags].([]any); len(list) != maxList || len(about.Fields) != 1 || len(about.Captions) > 0 {
		t.Errorf("kept %+v", about)
	}
	for i, want := range []string{"city is left out", "a caption is left out", "further tags are left out", "further tags are left out", "iso is left out"} {
		if !strings.Contains(about.Warnings[i], want) {
			t.Errorf("warning %d is %q, want %q", i, about.Warnings[i], want)
		}
	}
}

func FuzzMoment(f *testing.F) {
	for _, text := range []string{"2024:05:01 18:30:05", "2024-05-01T18:30:05.123+02:00", "2024"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once := Moment(text)
		if again := Moment(once); again != once {
			t.Errorf("%q became %q and then %q", text, once, again)
		}
	})
}
