package exif

import (
	"bytes"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"polylens/indexer/metadata"
)

// Tags, by the names of the specification.
const (
	imageDescription    = 0x010E
	cameraMake          = 0x010F
	cameraModel         = 0x0110
	artist              = 0x013B
	xmpPacket           = 0x02BC
	stars               = 0x4746
	copyright           = 0x8298
	exposureTime        = 0x829A
	fNumber             = 0x829D
	iptcRecords         = 0x83BB
	photoshopResources  = 0x8649
	exifDirectory       = 0x8769
	gpsDirectory        = 0x8825
	sensitivity         = 0x8827
	dateTimeOriginal    = 0x9003
	dateTimeDigitized   = 0x9004
	offsetTime          = 0x9010
	offsetTimeOriginal  = 0x9011
	offsetTimeDigitized = 0x9012
	focalLength         = 0x920A
	userComment         = 0x9286
	windowsTitle        = 0x9C9B
	windowsComment      = 0x9C9C
	windowsAuthor       = 0x9C9D
	windowsKeywords     = 0x9C9E
	windowsSubject      = 0x9C9F
	lensModel           = 0xA434

	gpsLatitudeRef  = 1
	gpsLatitude     = 2
	gpsLongitudeRef = 3
	gpsLongitude    = 4
	gpsAltitudeRef  = 5
	gpsAltitude     = 6
	gpsTime         = 7
	gpsDate         = 29
)

// Blocks are what a TIFF file holds beside its EXIF fields.
type Blocks struct {
	XMP       []byte // a packet
	IPTC      []byte // records of IPTC-IIM
	Photoshop []byte // image resources
}

// Read reads a block that begins with the header of TIFF, as far as it is sound.
func Read(data []byte) (metadata.About, Blocks) {
	var about metadata.About
	b, at, err := open(data)
	if err != nil {
		about.Warn("its EXIF is left out: %v", err)
		return about, Blocks{}
	}
	r := reader{block: b, about: &about}
	r.main = r.directory(at)
	r.exif = r.child(exifDirectory)
	r.gps = r.child(gpsDirectory)
	r.cut(r.main)
	r.cut(r.exif)
	r.texts()
	r.moment()
	r.place()
	r.camera()
	return about, Blocks{
		XMP: r.main[xmpPacket].data, IPTC: r.main[iptcRecords].data, Photoshop: r.main[photoshopResources].data,
	}
}

type reader struct {
	block
	about           *metadata.About
	main, exif, gps directory
}

func (r *reader) directory(at uint64) directory {
	found, err := r.read(at)
	if err != nil {
		r.about.Warn("its EXIF is read in part: %v", err)
	}
	return found
}

func (r *reader) child(tag uint16) directory {
	if at := r.main[tag].numbers(1); len(at) == 1 && at[0] > 0 {
		return r.directory(uint64(at[0]))
	}
	return nil
}

// texted are the fields with texts, by their names.
var texted = map[uint16]string{
	imageDescription: "ImageDescription", artist: "Artist", copyright: "Copyright", userComment: "UserComment",
	windowsTitle: "XPTitle", windowsComment: "XPComment", windowsAuthor: "XPAuthor", windowsKeywords: "XPKeywords", windowsSubject: "XPSubject",
}

// cut notes fields with texts of which no more than the beginning is read.
func (r *reader) cut(d directory) {
	for _, tag := range slices.Sorted(maps.Keys(texted)) {
		if f := d[tag]; len(f.data) > metadata.MaxValue {
			r.about.Warn("its EXIF field %s is read in part: it has %d bytes, at most %d are read", texted[tag], len(f.data), metadata.MaxValue)
		}
	}
}

// lost notes a field whose values are not in the block.
func (r *reader) lost(d directory, tag uint16, name string) {
	if f, ok := d[tag]; ok && f.data == nil && f.count > 0 {
		r.about.Warn("its EXIF field %s is left out: its value lies outside of the block", name)
	}
}

func (r *reader) texts() {
	r.lost(r.main, imageDescription, "ImageDescription")
	r.about.AddCaption("", wide(r.main[windowsTitle].short()))
	r.about.AddCaption("", r.main[imageDescription].text())
	r.about.AddCaption("", wide(r.main[windowsSubject].short()))
	r.about.AddCaption("", wide(r.main[windowsComment].short()))
	text, err := r.exif[userComment].comment()
	if err != nil {
		r.about.Warn("its EXIF field UserComment is left out: %v", err)
	}
	r.about.AddCaption("", text)
	r.about.AddTexts(metadata.Tags, strings.Split(wide(r.main[windowsKeywords].short()), ";")...)
	r.about.SetText(metadata.Creator, wide(r.main[windowsAuthor].short()))
	r.about.SetText(metadata.Creator, r.main[artist].text())
	r.about.SetText(metadata.Copyright, r.main[copyright].copyrights())
	if rating := r.main[stars].numbers(1); len(rating) == 1 && rating[0] >= 1 && rating[0] <= 5 {
		r.about.SetNumber(metadata.Rating, rating[0])
	}
}

// moment is the first of the dates that there is, with its offset from UTC.
func (r *reader) moment() {
	for _, date := range []struct{ tag, offset uint16 }{
		{dateTimeOriginal, offsetTimeOriginal}, {dateTimeDigitized, offsetTimeDigitized},
	} {
		text := r.exif[date.tag].text()
		if strings.Trim(text, "0: -") == "" { // EXIF's way to say unknown
			continue
		}
		taken := metadata.Moment(text)
		if taken == "" {
			r.about.Warn("its date is left out: EXIF says %.40q", text)
			continue
		}
		for _, tag := range []uint16{date.offset, offsetTime} {
			taken = metadata.WithOffset(taken, r.exif[tag].text())
		}
		if utc, ok := r.satelliteTime(); ok {
			taken = metadata.WithUTC(taken, utc)
		}
		r.about.SetText(metadata.Taken, taken)
		return
	}
}

// satelliteTime is the moment of the place, in UTC.
func (r *reader) satelliteTime() (time.Time, bool) {
	day, err := time.Parse("2006-01-02", metadata.Moment(r.gps[gpsDate].text()))
	clock := r.gps[gpsTime].numbers(3)
	if err != nil || len(clock) < 3 {
		return time.Time{}, false
	}
	seconds := clock[0]*3600 + clock[1]*60 + clock[2]
	if !(seconds >= 0 && seconds < 86401) {
		return time.Time{}, false
	}
	return day.Add(time.Duration(seconds * float64(time.Second))), true
}

func (r *reader) place() {
	north, some := r.degrees(gpsLatitude, gpsLatitudeRef, "N", "S")
	east, more := r.degrees(gpsLongitude, gpsLongitudeRef, "E", "W")
	switch {
	case some && more && !math.IsNaN(north) && !math.IsNaN(east):
		r.about.SetPosition(north, east)
	case some || more:
		r.about.Warn("its place is left out: EXIF has no whole latitude and longitude")
	}
	if height := r.gps[gpsAltitude].numbers(1); len(height) == 1 && !math.IsNaN(height[0]) {
		below := r.gps[gpsAltitudeRef].numbers(1)
		if len(below) == 1 && below[0] == 1 {
			height[0] = -height[0]
		}
		r.about.SetNumber(metadata.Altitude, height[0])
	}
}

// degrees reads degrees, minutes and seconds. there is whether the field says
// anything: 0/0 is the way to say unknown.
func (r *reader) degrees(tag, reference uint16, positive, negative string) (degrees float64, there bool) {
	parts := r.gps[tag].numbers(3)
	if len(parts) == 0 || math.IsNaN(parts[0]) {
		return math.NaN(), false
	}
	unit := 1.0
	for i, part := range parts {
		if i > 0 && math.IsNaN(part) {
			part = 0
		}
		degrees += part / unit
		unit *= 60
	}
	switch strings.ToUpper(strings.TrimSpace(r.gps[reference].text())) {
	case positive:
	case negative:
		degrees = -degrees
	default:
		return math.NaN(), true
	}
	return math.Round(degrees*1e7) / 1e7, true
}

func (r *reader) camera() {
	r.about.SetCamera(r.main[cameraMake].text(), r.main[cameraModel].text())
	r.about.SetText(metadata.Lens, strings.Trim(r.exif[lensModel].text(), "- "))
	for _, number := range []struct {
		tag  uint16
		name string
	}{
		{exposureTime, metadata.ExposureTime}, {fNumber, metadata.FNumber},
		{sensitivity, metadata.ISO}, {focalLength, metadata.FocalLength},
	} {
		if values := r.exif[number.tag].numbers(1); len(values) == 1 && values[0] > 0 {
			r.about.SetNumber(number.name, values[0])
		}
	}
}

// Header is what stands before the block in JPEG, and in some files of other formats.
var Header = []byte("Exif\x00\x00")

// Trim takes the header off a block that has one. Some writers have it twice, or with
// another byte than the last one.
func Trim(data []byte) []byte {
	for len(data) > len(Header) && bytes.HasPrefix(data, Header[:len(Header)-1]) {
		data = data[len(Header):]
	}
	return data
}
