package main

import "testing"

func TestPlaceWords(t *testing.T) {
	for uri, want := range map[string]string{
		"file:///a/13%20zero%20bytes.jpg":       "/a/13 zero bytes.jpg",
		"file:///a/%E5%86%99%E7%9C%9F.png":      "/a/写真.png",
		"file:///a/metadata.jsonl#L12":          "/a/metadata.jsonl, line 12",
		"file:///a/metadata.csv#row=3":          "/a/metadata.csv, row 3",
		"file:///a/x.tar#img%201.jpg":           "/a/x.tar#img 1.jpg",
		"file:///a/new%0Aline%09tab.png":        `"/a/new\nline\ttab.png"`,
		"file:///a/%E2%80%AEgnp.evil.png":       `"/a/\u202egnp.evil.png"`,
		"file:///a/latin1%20%E9%FF.png":         `"/a/latin1 \xe9\xff.png"`,
		`file:///a/%22b%22%5Cc.png`:             `/a/"b"\c.png`,
		"file:///a/26%20100%2520%20%23%3F&+;.p": "/a/26 100%20 #?&+;.p",
		"https://example.org/a%20b.png":         "https://example.org/a%20b.png",
		"file:///a/%zz":                         "file:///a/%zz",
	} {
		if got := placeWords(uri); got != want {
			t.Errorf("%s: %s, want %s", uri, got, want)
		}
	}
}
