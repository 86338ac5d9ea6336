package exif

import (
	"encoding/binary"
	"math"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"

	"polylens/indexer/metadata"
)

// entry is a field to be written.
type entry struct {
	tag, kind uint16
	count     uint32
	data      []byte
}

func ascii(tag uint16, text string) entry {
	return entry{tag, 2, uint32(len(text) + 1), append([]byte(text), 0)}
}

// write makes a block with one directory and one below it by each pointer.
func write(order binary.AppendByteOrder, main []entry, below map[uint16][]entry) []byte {
	head := map[binary.AppendByteOrder]string{binary.LittleEndian: "II", binary.BigEndian: "MM"}[order]
	data := order.AppendUint32(order.AppendUint16([]byte(head), 42), 8)
	for _, tag := range []uint16{exifDirectory, gpsDirectory} {
		if below[tag] != nil {
			main = append(main, entry{tag, 4, 1, []byte{0, 0, 0, 0}})
		}
	}
	pointers := make(map[uint16]int)
	data = directoryOf(order, data, main, pointers)
	for tag, entries := range below {
		at := len(data)
		copy(data[pointers[tag]:], order.AppendUint32(nil, uint32(at)))
		data = directoryOf(order, data, entries, pointers)
	}
	return data
}

func directoryOf(order binary.AppendByteOrder, data []byte, entries []entry, places map[uint16]int) []byte {
	data = order.AppendUint16(data, uint16(len(entries)))
	next := len(data) + 12*len(entries) + 4
	var values []byte
	for _, e := range entries {
		data = order.AppendUint32(order.AppendUint16(order.AppendUint16(data, e.tag), e.kind), e.count)
		places[e.tag] = len(data)
		if len(e.data) <= 4 {
			data = append(data, append(e.data, make([]byte, 4-len(e.data))...)...)
			continue
		}
		data = order.AppendUint32(data, uint32(next+len(values)))
		values = append(values, e.data...)
	}
	return append(append(data, 0, 0, 0, 0), values...)
}

func rationals(order binary.AppendByteOrder, tag uint16, numbers ...uint32) entry {
	var data []byte
	for _, number := range numbers {
		data = order.AppendUint32(data, number)
	}
	return entry{tag, 5, uint32(len(numbers) / 2), data}
}

func TestRead(t *testing.T) {
	little, big := binary.LittleEndian, binary.BigEndian
	utf16BE := func(text string) []byte {
		var data []byte
		for _, unit := range utf16.Encode([]rune(text)) {
			data = big.AppendUint16(data, unit)
		}
		return data
	}
	comment := append([]byte("UNICODE\x00"), utf16BE("red 🚲")...)
	for _, test := range []struct {
		name string
		data []byte
		want metadata.About
	}{
		{"place without a letter", write(little, nil, map[uint16][]entry{gpsDirectory: {
			rationals(little, gpsLatitude, 48, 1, 30, 1, 0, 1), rationals(little, gpsLongitude, 2, 1, 0, 1, 0, 1)}}),
			metadata.About{Warnings: []string{"its place is left out: EXIF has no whole latitude and longitude"}}},
		{"place that is not known", write(little, nil, map[uint16][]entry{gpsDirectory: {
			rationals(little, gpsLatitude, 0, 0, 0, 0, 0, 0), ascii(gpsLatitudeRef, "N")}}), metadata.About{}},
		{"place beyond the pole", write(big, nil, map[uint16][]entry{gpsDirectory: {
			rationals(big, gpsLatitude, 95, 1, 0, 1, 0, 1), ascii(gpsLatitudeRef, "N"),
			rationals(big, gpsLongitude, 2, 1, 0, 1, 0, 1), ascii(gpsLongitudeRef, "E")}}),
			metadata.About{Warnings: []string{"its place is left out: 95, 2 is no latitude and longitude"}}},
		{"comment in the other order", write(little, nil, map[uint16][]entry{exifDirectory: {
			{userComment, 7, uint32(len(comment)), comment}}}), metadata.About{Captions: []metadata.Caption{{Text: "red 🚲"}}}},
		{"Latin-1", write(big, []entry{ascii(imageDescription, "gr\xf6\xdfer")}, nil), metadata.About{Captions: []metadata.Caption{{Text: "größer"}}}},
		{"date that is none", write(big, nil, map[uint16][]entry{exifDirectory: {
			ascii(dateTimeOriginal, "2024:13:01 00:00:00"), ascii(dateTimeDigitized, "2024:12:01 00:00:00")}}),
			metadata.About{Fields: map[string]any{"taken": "2024-12-01T00:00:00"}, Warnings: []string{`its date is left out: EXIF says "2024:13:01 00:00:00"`}}},
		{"numbers of other types", write(big, nil, map[uint16][]entry{exifDirectory: {
			{sensitivity, 4, 1, big.AppendUint32(nil, 102400)}, {fNumber, 12, 1, big.AppendUint64(nil, math.Float64bits(2.8))}}}),
			metadata.About{Fields: map[string]any{"iso": 102400., "f_number": 2.8}}},
		{"make once", write(big, []entry{ascii(cameraMake, "Canon"), ascii(cameraModel, "Canon EOS 5D")}, nil),
			metadata.About{Fields: map[string]any{"camera": "Canon EOS 5D", "camera_make": "Canon"}}},
		{"make and model", write(big, []entry{ascii(cameraMake, "Apple"), ascii(cameraModel, "iPhone 15")}, nil),
			metadata.About{Fields: map[string]any{"camera": "Apple iPhone 15", "camera_make": "Apple"}}},
		{"no TIFF", []byte("something else, which is long enough"), metadata.About{Warnings: []string{"its EXIF is left out: it does not begin as TIFF does"}}},
	} {
		if got, _ := Read(test.data); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", test.name, got, test.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(write(binary.LittleEndian, []entry{ascii(imageDescription, "a long description"), ascii(cameraMake, "Canon")},
		map[uint16][]entry{exifDirectory: {ascii(dateTimeOriginal, "2024:12:01 00:00:00")}, gpsDirectory: {ascii(gpsLatitudeRef, "N")}}))
	f.Add([]byte("MM\x00+\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		about, blocks := Read(data)
		size := 0
		for _, caption := range about.Captions {
			size += len(caption.Text)
		}
		if size > 4*len(data)+1000 || len(blocks.XMP) > len(data) {
			t.Errorf("%d bytes gave captions of %d", len(data), size)
		}
		if taken, ok := about.Fields["taken"].(string); ok && !strings.HasPrefix(taken, metadata.Moment(taken)[:4]) {
			t.Errorf("taken %q", taken)
		}
	})
}
