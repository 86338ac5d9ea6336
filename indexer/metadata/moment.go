package metadata

import (
	"math"
	"regexp"
	"strings"
	"time"
)

// Moments are kept as RFC 3339 has them, in the local time of the place where the
// picture was taken and with its offset from UTC: 2024-05-01T18:30:00+02:00. Where no
// offset is known there is none, and nobody has to guess one; a date alone, a month or
// a year is kept as such. So texts sort as the pictures were taken, by the clock on the
// wall.
const (
	second = "2006-01-02T15:04:05"
	zoned  = "2006-01-02T15:04:05Z07:00"
)

// moment is the shape of EXIF, IPTC, XMP and ISO 8601: what follows the year is
// optional from the back.
var moment = regexp.MustCompile(`^(\d{4})(?:[-:/.]?(\d{2})(?:[-:/.]?(\d{2})(?:[T ]+(\d{2}):?(\d{2})(?::?(\d{2})(?:[.,]\d*)?)?)?)?)?\s*(Z|[+-]\d{2}:?\d{2})?$`)

// Moment reads a date of EXIF (2024:05:01 18:30:00), IPTC, XMP or ISO 8601, with its
// offset from UTC if it has one, and gives it as fields keep it; "" if there is no such
// moment. Fractions of a second are dropped.
func Moment(text string) string {
	text = strings.TrimSpace(strings.TrimRight(text, "\x00"))
	parts := moment.FindStringSubmatch(text)
	if parts == nil || parts[1] < "1000" {
		return ""
	}
	year, month, day, hour, minute, sec, offset := parts[1], parts[2], parts[3], parts[4], parts[5], parts[6], parts[7]
	switch {
	case month == "" || month == "00":
		return year
	case day == "" || day == "00":
		return checked("2006-01", year+"-"+month)
	case hour == "":
		return checked("2006-01-02", year+"-"+month+"-"+day)
	}
	if sec == "" || sec == "60" { // a leap second
		sec = "00"
	}
	local := checked(second, year+"-"+month+"-"+day+"T"+hour+":"+minute+":"+sec)
	return WithOffset(local, offset)
}

func checked(layout, text string) string {
	if _, err := time.Parse(layout, text); err != nil {
		return ""
	}
	return text
}

var offset = regexp.MustCompile(`^([+-])(\d{2}):?(\d{2})$`)

// WithOffset gives a moment that Moment gave, and that has none, an offset from UTC
// such as +02:00 or Z. What is no offset is ignored.
func WithOffset(local, text string) string {
	if len(local) != len(second) {
		return local
	}
	text = strings.TrimSpace(text)
	if text == "Z" {
		return local + "Z"
	}
	parts := offset.FindStringSubmatch(text)
	if parts == nil || parts[2] > "14" || parts[3] > "59" {
		return local
	}
	if parts[2]+parts[3] == "0000" {
		return local + "Z"
	}
	return local + parts[1] + parts[2] + ":" + parts[3]
}

// WithUTC gives a moment without offset the one that the same moment in UTC implies,
// as satellites tell it: no clock is off by more than a minute from a whole quarter of
// an hour. Otherwise one of them is of another moment, and local stays as it is.
func WithUTC(local string, utc time.Time) string {
	const quarter = 15 * time.Minute
	at, err := time.Parse(second, local)
	if err != nil {
		return local
	}
	difference := at.Sub(utc)
	offset := difference.Round(quarter)
	if math.Abs((difference-offset).Seconds()) > 60 || offset < -12*time.Hour || offset > 14*time.Hour {
		return local
	}
	return at.Add(-offset).In(time.FixedZone("", int(offset.Seconds()))).Format(zoned)
}

// SameMoment puts together what two sources say of when a picture was taken, the second
// of which counts. Where that is a moment in UTC and the first the time on the wall at
// the same moment, the answer is that time, with the offset that follows.
func SameMoment(first, second any) any {
	local, _ := first.(string)
	moment, _ := second.(string)
	utc, err := time.Parse(time.RFC3339, moment)
	if err != nil || utc.Location() != time.UTC {
		return second
	}
	if at, err := time.Parse(time.RFC3339, local); err == nil && at.Equal(utc) {
		return first
	}
	if joined := WithUTC(local, utc); joined != local {
		return joined
	}
	return second
}
