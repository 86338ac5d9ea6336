package iptc

import (
	"bytes"
	"crypto/md5" // names a block as Photoshop does; nothing is secured by it
	"encoding/binary"
	"strings"

	"polylens/indexer/metadata"
)

// Data sets of the records 1 and 2.
const (
	codedCharacterSet = 1<<8 | 90
	objectName        = 2<<8 | 5
	keywords          = 2<<8 | 25
	dateCreated       = 2<<8 | 55
	timeCreated       = 2<<8 | 60
	byline            = 2<<8 | 80
	city              = 2<<8 | 90
	sublocation       = 2<<8 | 92
	provinceState     = 2<<8 | 95
	countryName       = 2<<8 | 101
	headline          = 2<<8 | 105
	copyrightNotice   = 2<<8 | 116
	caption           = 2<<8 | 120
)

// Read reads records as far as they are whole.
func Read(data []byte) metadata.About {
	var about metadata.About
	found, whole := records(data)
	if !whole {
		about.Warn("its IPTC is read in part: it is cut off")
	}
	text := decoder(found)
	one := func(set int) string {
		if values := found[set]; len(values) > 0 {
			return text(values[0])
		}
		return ""
	}
	all := func(set int) []string {
		var texts []string
		for _, value := range found[set] {
			texts = append(texts, text(value))
		}
		return texts
	}
	about.AddCaption("", one(objectName))
	about.AddCaption("", one(headline))
	about.AddCaption("", one(caption))
	about.AddTexts(metadata.Tags, all(keywords)...)
	about.SetText(metadata.Creator, strings.Join(all(byline), "; "))
	about.SetText(metadata.Copyright, one(copyrightNotice))
	about.SetText(metadata.Location, one(sublocation))
	about.SetText(metadata.City, one(city))
	about.SetText(metadata.State, one(provinceState))
	about.SetText(metadata.Country, one(countryName))
	setMoment(&about, one(dateCreated), one(timeCreated))
	return about
}

// setMoment puts the date, CCYYMMDD, and the time, HHMMSS+HHMM, together.
func setMoment(about *metadata.About, date, time string) {
	if strings.Trim(date, "0") == "" {
		return
	}
	taken := metadata.Moment(date + "T" + time)
	if taken == "" {
		taken = metadata.Moment(date)
	}
	if taken == "" {
		about.Warn("its date is left out: IPTC says %.40q", date)
		return
	}
	about.SetText(metadata.Taken, taken)
}

// maxRecords bounds what is kept of a block.
const maxRecords = 5000

// records are the values by record and data set. whole is false when the last is cut.
func records(data []byte) (found map[int][][]byte, whole bool) {
	found = make(map[int][][]byte)
	for range maxRecords {
		if len(data) < 5 || data[0] != 0x1C {
			return found, len(data) == 0 || data[0] != 0x1C // padding may follow
		}
		set := int(data[1])<<8 | int(data[2])
		size := uint64(binary.BigEndian.Uint16(data[3:]))
		data = data[5:]
		if size >= 0x8000 { // the size of the size
			n := int(size & 0x7FFF)
			if n > 4 || n > len(data) {
				return found, false
			}
			size = 0
			for _, b := range data[:n] {
				size = size<<8 | uint64(b)
			}
			data = data[n:]
		}
		if size > uint64(len(data)) {
			return found, false
		}
		found[set] = append(found[set], data[:min(size, metadata.MaxValue)])
		data = data[size:]
	}
	return found, true
}

// decoder is how the texts are encoded: in UTF-8 where they say so (ESC % G). Many that
// say nothing are in UTF-8 all the same, the others in Latin-1.
func decoder(found map[int][][]byte) func([]byte) string {
	if sets := found[codedCharacterSet]; len(sets) > 0 {
		switch string(sets[0]) {
		case "\x1b.A", "\x1b-A", "\x1b/A":
			return metadata.Latin1
		}
	}
	return metadata.Decode
}

// Resources finds the records among Photoshop's image resources. changed is whether
// they are other than when the XMP beside them was written.
func Resources(data []byte) (found []byte, changed bool) {
	const records, digest = 0x0404, 0x0425
	var written []byte
	for len(data) >= 12 && string(data[:4]) == "8BIM" {
		id := binary.BigEndian.Uint16(data[4:])
		name := 1 + int(data[6])
		name += name & 1
		data = data[6:]
		if len(data) < name+4 {
			break
		}
		size := uint64(binary.BigEndian.Uint32(data[name:]))
		data = data[name+4:]
		content := data[:min(size, uint64(len(data)))]
		switch id {
		case records:
			found = content
		case digest:
			written = content
		}
		data = data[min(size+size&1, uint64(len(data))):]
	}
	sum := md5.Sum(found)
	unset := bytes.Equal(written, make([]byte, len(sum)))
	return found, found != nil && len(written) == len(sum) && !unset && !bytes.Equal(written, sum[:])
}
