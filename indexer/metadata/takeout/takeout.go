package takeout

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"polylens/indexer/metadata"
)

// Is reports whether a JSON object was written by Takeout about a picture.
func Is(fields map[string]any) bool {
	_, taken := fields["photoTakenTime"].(map[string]any)
	_, place := fields["geoData"].(map[string]any)
	_, origin := fields["googlePhotosOrigin"].(map[string]any)
	return taken || place || origin
}

// Read reads the fields of a file of Takeout: what the picture shows, when and where it
// was taken, who is in it. Links into Google Photos and the counts of views there are
// not kept. Times are in UTC, since Takeout knows no zones.
func Read(fields map[string]any) metadata.About {
	var about metadata.About
	for _, name := range []string{"title", "description"} {
		if text, ok := textOf(&about, fields, name); ok {
			about.AddCaption("", text)
		}
	}
	readMoment(&about, fields["photoTakenTime"])
	for _, name := range []string{"geoData", "geoDataExif"} {
		if _, known := about.Fields[metadata.Latitude]; !known {
			readPlace(&about, name, fields[name])
		}
	}
	readPeople(&about, fields["people"])
	if favorited, ok := fields["favorited"].(bool); ok && favorited {
		about.SetTrue(metadata.Favorite)
	}
	return about
}

func textOf(about *metadata.About, fields map[string]any, name string) (string, bool) {
	value, there := fields[name]
	text, ok := value.(string)
	if there && value != nil && !ok {
		about.Warn("its field %q is left out: it is not a text", name)
	}
	return text, ok
}

// readMoment reads {"timestamp": "1258375918"}.
func readMoment(about *metadata.About, value any) {
	if value == nil {
		return
	}
	fields, _ := value.(map[string]any)
	seconds, err := strconv.ParseInt(fmt.Sprint(text(fields["timestamp"])), 10, 64)
	at := time.Unix(seconds, 0).UTC()
	if err != nil || at.Year() < 1000 || at.Year() > 9999 {
		about.Warn(`its field "photoTakenTime" is left out: its timestamp is not in seconds since 1970`)
		return
	}
	about.SetText(metadata.Taken, at.Format(time.RFC3339))
}

// text is that of a value which some versions write as a number.
func text(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	case json.Number:
		return string(value)
	case int64:
		return strconv.FormatInt(value, 10)
	}
	return ""
}

func readPlace(about *metadata.About, name string, value any) {
	if value == nil {
		return
	}
	fields, ok := value.(map[string]any)
	latitude, first := number64(fields["latitude"])
	longitude, second := number64(fields["longitude"])
	if !ok || !first || !second {
		about.Warn("its field %q is left out: it has no latitude and longitude", name)
		return
	}
	about.SetPosition(latitude, longitude)
	if _, known := about.Fields[metadata.Latitude]; !known {
		return
	}
	if altitude, ok := number64(fields["altitude"]); ok && altitude != 0 {
		about.SetNumber(metadata.Altitude, altitude)
	}
}

func number64(value any) (float64, bool) {
	number, err := strconv.ParseFloat(text(value), 64)
	return number, err == nil
}

func readPeople(about *metadata.About, value any) {
	people, ok := value.([]any)
	if value != nil && !ok {
		about.Warn(`its field "people" is left out: it is not a list`)
	}
	for i, person := range people {
		fields, _ := person.(map[string]any)
		name, ok := fields["name"].(string)
		if !ok {
			about.Warn(`element %d of its field "people" is left out: it has no name`, i)
			continue
		}
		about.AddTexts(metadata.People, name)
	}
}
