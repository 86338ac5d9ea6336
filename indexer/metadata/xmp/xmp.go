package xmp

import (
	"encoding/xml"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"polylens/indexer/metadata"
)

// MaxPacket is the most bytes of a packet that is read.
const MaxPacket = 4 << 20

// Namespaces, by their usual prefixes.
const (
	dc        = "http://purl.org/dc/elements/1.1/"
	xap       = "http://ns.adobe.com/xap/1.0/"
	photoshop = "http://ns.adobe.com/photoshop/1.0/"
	exif      = "http://ns.adobe.com/exif/1.0/"
	exifEX    = "http://cipa.jp/exif/1.0/"
	tiff      = "http://ns.adobe.com/tiff/1.0/"
	aux       = "http://ns.adobe.com/exif/1.0/aux/"
	lightroom = "http://ns.adobe.com/lightroom/1.0/"
	digikam   = "http://www.digikam.org/ns/1.0/"
	microsoft = "http://ns.microsoft.com/photo/1.0/"
	mp        = "http://ns.microsoft.com/photo/1.2/"
	mpRegions = "http://ns.microsoft.com/photo/1.2/t/RegionInfo#"
	mpRegion  = "http://ns.microsoft.com/photo/1.2/t/Region#"
	regions   = "http://www.metadataworkinggroup.com/schemas/regions/"
	iptcCore  = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
	iptcExt   = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
)

// Read reads a packet. What it cannot read is in the warnings.
func Read(packet []byte) metadata.About {
	var about metadata.About
	if len(packet) > MaxPacket {
		about.Warn("its XMP is left out: it has %d bytes, at most %d are read", len(packet), MaxPacket)
		return about
	}
	found, err := parse(packet)
	if err != nil {
		about.Warn("its XMP is read in part: %v", err)
	}
	found.texts(&about)
	found.keywords(&about)
	found.people(&about)
	found.moment(&about)
	found.place(&about)
	found.camera(&about)
	found.rating(&about)
	return about
}

func (p properties) get(space, local string) value {
	return p[xml.Name{Space: space, Local: local}]
}

// text is the first of the properties, given as namespace and name, that is there.
func (p properties) text(names ...string) string {
	for i := 0; i+1 < len(names); i += 2 {
		if text := p.get(names[i], names[i+1]).one(); text != "" {
			return text
		}
	}
	return ""
}

func (p properties) texts(about *metadata.About) {
	for _, v := range []value{p.get(dc, "title"), p.get(dc, "description"), p.get(exif, "UserComment"), p.get(iptcCore, "AltTextAccessibility")} {
		addAlternatives(about, v)
	}
	about.SetText(metadata.Creator, strings.Join(p.get(dc, "creator").texts(), "; "))
	about.SetText(metadata.Copyright, p.text(dc, "rights"))
	about.SetText(metadata.Label, p.text(xap, "Label"))
}

// addAlternatives adds the texts of a property in all its languages. The default is
// most often one of the others once more; alone, its language is not known.
func addAlternatives(about *metadata.About, v value) {
	var unknown []string
	for _, item := range v.items {
		if metadata.IsLanguage(item.language) {
			about.AddCaption(item.language, item.text)
		} else {
			unknown = append(unknown, item.text)
		}
	}
	for _, text := range append(unknown, v.text) {
		about.AddCaption("", text)
	}
}

// keywords are the flat ones, and of hierarchies their last steps.
func (p properties) keywords(about *metadata.About) {
	about.AddTexts(metadata.Tags, p.get(dc, "subject").texts()...)
	for _, hierarchy := range []struct{ space, local, step string }{
		{lightroom, "hierarchicalSubject", "|"}, {digikam, "TagsList", "/"}, {microsoft, "LastKeywordXMP", "/"},
	} {
		for _, text := range p.get(hierarchy.space, hierarchy.local).texts() {
			about.AddTexts(metadata.Tags, text[strings.LastIndex(text, hierarchy.step)+1:])
		}
	}
}

// people are those whom regions of the picture, or the picture as a whole, show.
func (p properties) people(about *metadata.About) {
	for _, region := range p.get(regions, "Regions").fields.get(regions, "RegionList").items {
		kind := region.fields.text(regions, "Type")
		if kind == "" || kind == "Face" {
			about.AddTexts(metadata.People, region.fields.text(regions, "Name"))
		}
	}
	for _, region := range p.get(mp, "RegionInfo").fields.get(mpRegions, "Regions").items {
		about.AddTexts(metadata.People, region.fields.text(mpRegion, "PersonDisplayName"))
	}
	about.AddTexts(metadata.People, p.get(iptcExt, "PersonInImage").texts()...)
}

func (p properties) moment(about *metadata.About) {
	text := p.text(exif, "DateTimeOriginal", photoshop, "DateCreated", xap, "CreateDate", exif, "DateTimeDigitized")
	if text == "" {
		return
	}
	taken := metadata.Moment(text)
	if taken == "" {
		about.Warn("its date is left out: XMP says %.40q", text)
		return
	}
	about.SetText(metadata.Taken, taken)
}

func (p properties) place(about *metadata.About) {
	about.SetText(metadata.Location, p.text(iptcCore, "Location"))
	about.SetText(metadata.City, p.text(photoshop, "City"))
	about.SetText(metadata.State, p.text(photoshop, "State"))
	about.SetText(metadata.Country, p.text(photoshop, "Country"))
	latitude, longitude := p.text(exif, "GPSLatitude"), p.text(exif, "GPSLongitude")
	if latitude == "" && longitude == "" {
		return
	}
	north, err := degrees(latitude, "N", "S")
	if err == nil {
		var east float64
		if east, err = degrees(longitude, "E", "W"); err == nil {
			about.SetPosition(north, east)
		}
	}
	if err != nil {
		about.Warn("its place is left out: %v", err)
	}
	if height, ok := rational(p.text(exif, "GPSAltitude")); ok {
		if p.text(exif, "GPSAltitudeRef") == "1" {
			height = -height
		}
		about.SetNumber(metadata.Altitude, height)
	}
}

// coordinate is DDD,MM,SS or DDD,MM.mm and a letter; some programs write degrees alone.
var coordinate = regexp.MustCompile(`^\s*([+-]?\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?(?:,(\d+(?:\.\d+)?))?\s*([NSEWnsew]?)\s*$`)

func degrees(text, positive, negative string) (float64, error) {
	parts := coordinate.FindStringSubmatch(text)
	letter := ""
	if parts != nil {
		letter = strings.ToUpper(parts[4])
	}
	if parts == nil || letter != "" && letter != positive && letter != negative {
		return 0, fmt.Errorf("XMP says %.40q for a latitude or longitude", text)
	}
	sum, unit := 0.0, 1.0
	for _, part := range parts[1:4] {
		number, _ := strconv.ParseFloat(part, 64) // "" is 0
		sum += number / unit
		unit *= 60
	}
	if letter == negative {
		sum = -sum
	}
	return math.Round(sum*1e7) / 1e7, nil
}

// rational reads 5, 0.5 and 1/200.
func rational(text string) (float64, bool) {
	upper, lower, fraction := strings.Cut(strings.TrimSpace(text), "/")
	number, err := strconv.ParseFloat(upper, 64)
	if err != nil {
		return 0, false
	}
	if fraction {
		by, err := strconv.ParseFloat(lower, 64)
		if err != nil || by == 0 {
			return 0, false
		}
		number /= by
	}
	return number, !math.IsInf(number, 0) && !math.IsNaN(number)
}

func (p properties) camera(about *metadata.About) {
	about.SetCamera(p.text(tiff, "Make"), p.text(tiff, "Model"))
	about.SetText(metadata.Lens, p.text(exifEX, "LensModel", aux, "Lens", exif, "LensModel"))
	for name, text := range map[string]string{
		metadata.ExposureTime: p.text(exif, "ExposureTime"),
		metadata.FNumber:      p.text(exif, "FNumber"),
		metadata.ISO:          p.text(exif, "ISOSpeedRatings", exifEX, "PhotographicSensitivity"),
		metadata.FocalLength:  p.text(exif, "FocalLength"),
	} {
		if number, ok := rational(text); ok && number > 0 {
			about.SetNumber(name, number)
		}
	}
}

// rating is that of Adobe; Microsoft's is a percentage.
func (p properties) rating(about *metadata.About) {
	text := p.text(xap, "Rating")
	if text == "" {
		if percent, ok := rational(p.text(microsoft, "Rating")); ok && percent >= 1 && percent <= 100 {
			about.SetNumber(metadata.Rating, 1+math.Floor((percent+12)/25))
		}
		return
	}
	stars, ok := rational(text)
	switch {
	case !ok || stars < -1 || stars > 5:
		about.Warn("its rating is left out: XMP says %.40q, which is not from -1 to 5", text)
	case stars != 0: // not rated
		about.SetNumber(metadata.Rating, stars)
	}
}
