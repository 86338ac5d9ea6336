package iptc

import (
	"crypto/md5"
	"encoding/binary"
	"reflect"
	"strings"
	"testing"

	"polylens/indexer/metadata"
)

func record(set int, value string) string {
	return "\x1c" + string(rune(set>>8)) + string([]byte{byte(set)}) + string(binary.BigEndian.AppendUint16(nil, uint16(len(value)))) + value
}

func TestRead(t *testing.T) {
	long := "\x1c\x02\x78\x80\x04\x00\x00\x00\x03dog"
	for _, test := range []struct {
		name, data string
		want       metadata.About
	}{
		{"marked", record(codedCharacterSet, "\x1b%G") + record(caption, "größer"), metadata.About{Captions: []metadata.Caption{{Text: "größer"}}}},
		{"Latin-1 that is UTF-8 too", record(codedCharacterSet, "\x1b.A") + record(caption, "\xc3\xb6"), metadata.About{Captions: []metadata.Caption{{Text: "Ã¶"}}}},
		{"Windows-1252", record(caption, "it\x92s 5 \x80"), metadata.About{Captions: []metadata.Caption{{Text: "it’s 5 €"}}}},
		{"long size", long, metadata.About{Captions: []metadata.Caption{{Text: "dog"}}}},
		{"cut", record(city, "Bonn") + "\x1c\x02\x78\x00\x09dog", metadata.About{Fields: map[string]any{"city": "Bonn"}, Warnings: []string{"its IPTC is read in part: it is cut off"}}},
		{"date alone", record(dateCreated, "19991231"), metadata.About{Fields: map[string]any{"taken": "1999-12-31"}}},
		{"date that is none", record(dateCreated, "yesterday") + record(city, "Bonn"),
			metadata.About{Fields: map[string]any{"city": "Bonn"}, Warnings: []string{`its date is left out: IPTC says "yesterday"`}}},
		{"padding", record(city, "Bonn") + "\x00\x00", metadata.About{Fields: map[string]any{"city": "Bonn"}}},
	} {
		if got := Read([]byte(test.data)); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", test.name, got, test.want)
		}
	}
}

func resource(id int, content string) string {
	padded := content
	if len(content)%2 == 1 {
		padded += "\x00"
	}
	return "8BIM" + string([]byte{byte(id >> 8), byte(id)}) + "\x00\x00" + string(binary.BigEndian.AppendUint32(nil, uint32(len(content)))) + padded
}

func TestResources(t *testing.T) {
	records := record(city, "Bonn")
	sum := md5.Sum([]byte(records))
	for _, test := range []struct {
		name, data string
		want       string
		changed    bool
	}{
		{"alone", resource(0x0404, records), records, false},
		{"after others", resource(0x03ED, "odd") + resource(0x0404, records), records, false},
		{"as it was", resource(0x0404, records) + resource(0x0425, string(sum[:])), records, false},
		{"changed", resource(0x0425, strings.Repeat("x", 16)) + resource(0x0404, records), records, true},
		{"none", resource(0x03ED, "odd"), "", false},
	} {
		if got, changed := Resources([]byte(test.data)); string(got) != test.want || changed != test.changed {
			t.Errorf("%s: got %q, %v", test.name, got, changed)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(record(codedCharacterSet, "\x1b%G") + record(caption, "größer") + record(keywords, "a") + record(dateCreated, "19991231")))
	f.Add([]byte(resource(0x0404, record(city, "Bonn"))))
	f.Fuzz(func(t *testing.T, data []byte) {
		Read(data)
		found, _ := Resources(data)
		if len(found) > len(data) {
			t.Errorf("%d bytes of %d", len(found), len(data))
		}
		Read(found)
	})
}
