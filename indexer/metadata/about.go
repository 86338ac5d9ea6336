package metadata

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The fields that standards fill, whichever of them a picture has. Sidecars and
// manifests of a user's own may hold any others.
const (
	Taken        = "taken"         // text: RFC 3339 in the local time of the place, see Moment
	Camera       = "camera"        // text: make and model
	CameraMake   = "camera_make"   // text
	Lens         = "lens"          // text
	Latitude     = "latitude"      // number: degrees of WGS 84, north is positive
	Longitude    = "longitude"     // number: degrees of WGS 84, east is positive
	Altitude     = "altitude"      // number: meters above sea level
	ExposureTime = "exposure_time" // number: seconds
	FNumber      = "f_number"      // number
	ISO          = "iso"           // number
	FocalLength  = "focal_length"  // number: millimeters
	Rating       = "rating"        // number: 1 to 5, -1 is rejected
	Label        = "label"         // text: the color label that a program gave
	Favorite     = "favorite"      // truth value
	Tags         = "tags"          // list of texts
	People       = "people"        // list of texts: names of who is in the picture
	Creator      = "creator"       // text: names, separated by "; "
	Copyright    = "copyright"     // text
	Location     = "location"      // text: the part of a city, or a sight
	City         = "city"          // text
	State        = "state"         // text: state or province
	Country      = "country"       // text
)

// places are the fields that say where a picture was taken.
var places = []string{Latitude, Longitude, Altitude, Location, City, State, Country}

// Bounds of what is read from a standard's field. JSON of a user's own has others.
const (
	maxText = 2 << 10 // bytes of a text that is no caption
	maxList = 500     // texts in a list
	// MaxCaption is the most bytes of a caption.
	MaxCaption = 8 << 10
	// MaxCaptions is the most captions of one picture.
	MaxCaptions = 2000
	// MaxValue is the most bytes of a value of a standard that readers look at: longer
	// than all that is kept of one.
	MaxValue   = 1 << 20
	maxWarning = 20 // of one picture
)

// Caption is one text about a picture.
type Caption struct {
	Language string `json:"language,omitempty"` // BCP 47, empty when unknown
	Text     string `json:"text"`
}

// About is what one place says about a picture. The zero value says nothing.
type About struct {
	Fields   map[string]any `json:"fields,omitempty"` // JSON values, by the names above
	Captions []Caption      `json:"captions,omitempty"`
	// Warnings name, one sentence each, what could not be read or kept. All else was.
	Warnings []string `json:"warnings,omitempty"`
}

// Warn notes what is missing from an About.
func (a *About) Warn(format string, args ...any) {
	if len(a.Warnings) < maxWarning {
		a.Warnings = append(a.Warnings, strings.ToValidUTF8(fmt.Sprintf(format, args...), "�"))
	}
}

// WarnOnce is Warn for what may happen many times.
func (a *About) WarnOnce(format string, args ...any) {
	if !slices.Contains(a.Warnings, fmt.Sprintf(format, args...)) {
		a.Warn(format, args...)
	}
}

func (a *About) set(name string, value any) {
	if a.Fields == nil {
		a.Fields = make(map[string]any)
	}
	a.Fields[name] = value
}

// SetText keeps a text that says something. Line breaks become spaces.
func (a *About) SetText(name, text string) {
	if len(text) > MaxValue { // more than is worth to be cleaned
		text = text[:MaxValue]
	}
	if text = strings.Join(strings.Fields(Clean(text)), " "); text == "" {
		return
	}
	if len(text) > maxText {
		a.Warn("its %s is left out: it has %d bytes, at most %d are kept", name, len(text), maxText)
		return
	}
	a.set(name, text)
}

// SetNumber keeps a finite number.
func (a *About) SetNumber(name string, value float64) {
	if value-value != 0 { // neither infinite nor no number
		a.Warn("its %s is left out: it is not a number", name)
		return
	}
	a.set(name, value)
}

// SetTrue keeps the truth of a field that is missing otherwise.
func (a *About) SetTrue(name string) { a.set(name, true) }

// SetPosition keeps a latitude and a longitude in degrees, if there is such a place.
// 0, 0 is what programs write that know of none.
func (a *About) SetPosition(latitude, longitude float64) {
	switch {
	case latitude == 0 && longitude == 0:
	case latitude >= -90 && latitude <= 90 && longitude >= -180 && longitude <= 180:
		a.set(Latitude, latitude)
		a.set(Longitude, longitude)
	default:
		a.Warn("its place is left out: %g, %g is no latitude and longitude", latitude, longitude)
	}
}

// AddTexts adds to a list what it does not hold yet.
func (a *About) AddTexts(name string, texts ...string) {
	list, _ := a.Fields[name].([]any)
	for _, text := range texts {
		text = strings.Join(strings.Fields(Clean(text)), " ")
		if text == "" || slices.Contains(list, any(text)) {
			continue
		}
		if len(text) > maxText {
			a.Warn("one of its %s is left out: it has %d bytes, at most %d are kept", name, len(text), maxText)
			continue
		}
		if len(list) == maxList {
			a.Warn("%q and further %s are left out: at most %d are kept", text, name, maxList)
			break
		}
		list = append(list, text)
	}
	if len(list) > 0 {
		a.set(name, list)
	}
}

// AddCaption adds a text that no caption holds yet. A language that is no language tag
// counts as unknown.
func (a *About) AddCaption(language, text string) {
	if len(text) > MaxValue {
		a.Warn("a caption is left out: it has %d bytes, at most %d are kept", len(text), MaxCaption)
		return
	}
	text = strings.TrimSpace(Clean(text))
	if text == "" || IsPlaceholder(text) {
		return
	}
	if language = strings.ReplaceAll(language, "_", "-"); !IsLanguage(language) {
		language = ""
	}
	if len(text) > MaxCaption {
		a.Warn("a caption is left out: it has %d bytes, at most %d are kept", len(text), MaxCaption)
		return
	}
	for _, caption := range a.Captions {
		if caption.Text == text {
			return
		}
	}
	if len(a.Captions) == MaxCaptions {
		a.WarnOnce("further captions are left out: at most %d are kept", MaxCaptions)
		return
	}
	a.Captions = append(a.Captions, Caption{language, text})
}

// WithoutPlace is the same without what says where the picture was taken.
func (a About) WithoutPlace() About {
	a.Fields = maps.Clone(a.Fields)
	for _, name := range places {
		delete(a.Fields, name)
	}
	return a
}

// Clean makes text of what files hold: without NUL and other control characters but
// line breaks, in valid UTF-8.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r':
			return '\n'
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\r\n", "\n"))
}

// IsLanguage reports whether a text has the shape of a BCP 47 tag.
func IsLanguage(tag string) bool {
	for i, part := range strings.Split(tag, "-") {
		if part == "" || len(part) > 8 || i == 0 && len(part) < 2 || i > 7 || !isASCIIWord(part, i > 0) {
			return false
		}
	}
	return tag != "x-default"
}

func isASCIIWord(text string, digits bool) bool {
	for _, r := range text {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (!digits || r < '0' || r > '9') {
			return false
		}
	}
	return true
}

// Decode gives the text of bytes that may be in UTF-8 and are in Latin-1 otherwise.
func Decode(data []byte) string {
	if utf8.Valid(data) {
		return string(data)
	}
	return Latin1(data)
}

// Latin1 gives the text of bytes in ISO 8859-1, or in Windows-1252 where that has no
// character.
func Latin1(data []byte) string {
	var text strings.Builder
	for _, b := range data {
		if b >= 0x80 && b < 0xA0 {
			text.WriteRune(windows1252[b-0x80])
			continue
		}
		text.WriteRune(rune(b))
	}
	return text.String()
}

// windows1252 are the characters 0x80 to 0x9F.
var windows1252 = [32]rune{
	'€', '�', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '�', 'Ž', '�',
	'�', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '�', 'ž', 'Ÿ',
}

// SetCamera keeps make and model. Most models begin with the make, which is not said
// twice.
func (a *About) SetCamera(make, model string) {
	make, model = strings.TrimSpace(Clean(make)), strings.TrimSpace(Clean(model))
	a.SetText(CameraMake, make)
	first, _, _ := strings.Cut(make, " ")
	if first == "" || len(model) >= len(first) && strings.EqualFold(model[:len(first)], first) {
		a.SetText(Camera, model)
		return
	}
	a.SetText(Camera, make+" "+model)
}
