package embedded

import (
	"maps"
	"strings"

	"polylens/indexer/metadata"
)

// position is what only makes sense from one source.
var position = []string{metadata.Latitude, metadata.Longitude, metadata.Altitude}

// combine puts together what EXIF, the better and the worse of XMP and IPTC, and the
// format's own texts say. EXIF comes first but for what people write, which programs
// keep in the other two: keywords and rating. Captions add up, those of EXIF last.
func combine(exif, better, worse, own metadata.About) metadata.About {
	spoken := exif
	spoken.Fields = maps.Clone(exif.Fields)
	spoken.Captions = nil
	written := metadata.About{Fields: make(map[string]any)}
	for _, name := range []string{metadata.Tags, metadata.Rating} {
		if value, ok := exif.Fields[name]; ok {
			written.Fields[name] = value
			delete(spoken.Fields, name)
		}
	}
	addOffset(spoken.Fields, better.Fields, worse.Fields)
	all := merge(merge(merge(spoken, better), worse), written)
	addCaptions(&all, exif.Captions)
	return merge(all, own)
}

// addOffset takes the offset from UTC from who has it for the same moment.
func addOffset(fields map[string]any, others ...map[string]any) {
	const local = len("2006-01-02T15:04:05")
	taken, _ := fields[metadata.Taken].(string)
	for _, other := range others {
		if text, _ := other[metadata.Taken].(string); len(taken) == local && strings.HasPrefix(text, taken) {
			fields[metadata.Taken] = text
			return
		}
	}
}

// merge adds to one what only the other says.
func merge(first, second metadata.About) metadata.About {
	fields := maps.Clone(second.Fields)
	if fields == nil {
		fields = make(map[string]any)
	}
	if _, ok := first.Fields[metadata.Latitude]; ok {
		for _, name := range position {
			delete(fields, name)
		}
	}
	maps.Copy(fields, first.Fields)
	first.Fields = fields
	addCaptions(&first, second.Captions)
	for _, warning := range second.Warnings {
		first.Warn("%s", warning)
	}
	return first
}

// cut is from which length on the beginning of another caption counts as its copy: IPTC
// cuts titles after 64 bytes and captions after 2,000.
const cut = 32

func addCaptions(about *metadata.About, captions []metadata.Caption) {
	for _, caption := range captions {
		if !isBeginning(caption.Text, about.Captions) {
			about.AddCaption(caption.Language, caption.Text)
		}
	}
}

func isBeginning(text string, of []metadata.Caption) bool {
	for _, caption := range of {
		if len(text) >= cut && strings.HasPrefix(caption.Text, text) {
			return true
		}
	}
	return false
}
