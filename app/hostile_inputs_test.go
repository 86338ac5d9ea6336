package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"
)

// hostileLines are lines of JSON by what is wrong with them; NAME stands for that.
func hostileLines(t *testing.T, site, folder string) map[string]string {
	t.Helper()
	lines := map[string]string{
		"no JSON": `{"id":"NAME"`, "a list": `["NAME"]`, "a number": `7`, "null": `null`, "two objects": `{"op":"delete","id":"NAME"} {}`,
		"nested deeply": `{"id":"NAME","metadata":` + strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_001),
		"control":       `{"id":"a\u0000b","data":"aGk="}`, "long id": `{"id":"` + strings.Repeat("é", 300) + `","data":"aGk="}`,
		"broken text": "{\"id\":\"NAME\xff\xfe\",\"op\":\"drop\"}", "unknown op": `{"op":"drop","id":"NAME"}`, "unknown field": `{"id":"NAME","data":"aGk=","exec":"rm"}`,
		"no picture": `{"id":"NAME"}`, "two pictures": `{"id":"NAME","data":"aGk=","url":"http://example.org/a.png"}`,
		"metadata is a list": `{"id":"NAME","data":"` + onePixel() + `","metadata":[1]}`, "metadata is large": `{"id":"NAME","data":"` + onePixel() + `","metadata":{"a":"` + strings.Repeat("x", 2<<20) + `"}}`,
		"captions are numbers": `{"id":"NAME","data":"` + onePixel() + `","captions":{"en":7}}`, "number without end": `{"id":"NAME","data":"` + onePixel() + `","metadata":{"n":1e999}}`,
		"data is a number": `{"id":"NAME","data":7}`, "data is empty": `{"id":"NAME","data":""}`, "data is no base64": `{"id":"NAME","data":"%%%"}`,
		"data URI of a page": `{"id":"NAME","data":"data:text/html,<script>"}`, "another's picture": `{"id":"NAME","sha256":"` + strings.Repeat("a", 64) + `"}`,
		"path as sha256": `{"id":"NAME","sha256":"../../catalog.db"}`, "patch of nothing": `{"op":"patch","id":"NAME","metadata":{"a":1}}`,
		"key without a bucket": `{"id":"NAME","key":"../../etc/passwd"}`,
	}
	for name, url := range hostileURLs(site) {
		lines[name] = fmt.Sprintf(`{"id":"NAME","url":%q}`, url)
	}
	for name, path := range map[string]string{
		"password file": "/etc/passwd", "link out": folder + "/link.png", "link to a folder": folder + "/proc/environ", "dots": folder + "/../../../../etc/passwd",
		"pipe": folder + "/pipe.png", "device": folder + "/zero.png", "sparse file of a terabyte": folder + "/sparse.png", "relative": "etc/passwd", "folder": folder,
		"own memory": "/proc/self/mem",
	} {
		lines[name] = fmt.Sprintf(`{"id":"NAME","path":%q}`, path)
	}
	for name, data := range hostilePictures(t) {
		lines[name] = fmt.Sprintf(`{"id":"NAME","data":"%s"}`, base64.StdEncoding.EncodeToString(data))
	}
	return lines
}

// hostileURLs lead to what only the server can see, in all notations, or never end.
func hostileURLs(site string) map[string]string {
	urls := map[string]string{
		"metadata service": "http://169.254.169.254/", "hexadecimal": "http://0xa9fea9fe/", "decimal": "http://2852039166/", "octal": "http://0251.0376.0251.0376/",
		"mapped": "http://[::ffff:169.254.169.254]/", "translated": "http://[64:ff9b::a9fe:a9fe]/", "6to4": "http://[2002:a9fe:a9fe::]/", "own IPv6": "http://[::1]/",
		"another loopback": "http://127.0.0.2/", "nowhere": "http://0.0.0.0/", "nowhere IPv6": "http://[::]/", "unique local": "http://[fd00::1]/", "link local": "http://[fe80::1]/",
		"private": "http://192.168.0.1/", "carrier": "http://100.64.0.1/", "broadcast": "http://255.255.255.255/", "multicast": "http://224.0.0.1/",
		"full width": "http://１６９.254.169.254/", "with a password": "http://a:b@169.254.169.254/", "file": "file:///etc/passwd", "gopher": "gopher://127.0.0.1:25/_HELO",
		"other port": "http://127.0.0.1:22/", "no host": "http:///a.png", "line break": "http://example.org/\r\nHost: x",
	}
	for _, path := range []string{"to-metadata", "to-file", "to-private", "loop", "to-nowhere", "to-port", "endless", "lying", "page", "cut"} {
		urls["site "+path] = site + "/" + path
	}
	return urls
}

func onePixel() string { return base64.StdEncoding.EncodeToString(pngOf(1, 1, make([]byte, 4))) }

// hostilePictures are files that claim or unpack to more than they are.
func hostilePictures(t *testing.T) map[string][]byte {
	t.Helper()
	le := binary.LittleEndian
	bmp := append([]byte("BM\x3a\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00"), make([]byte, 40)...)
	le.PutUint32(bmp[18:], 1<<30)
	le.PutUint32(bmp[22:], 1<<30)
	le.PutUint16(bmp[26:], 1)
	le.PutUint16(bmp[28:], 24)
	cut := pngOf(64, 64, bytes.Repeat([]byte{0, 9, 200, 30}, 64*64))
	return map[string][]byte{
		"text": []byte("no picture at all"), "a page": []byte("<!DOCTYPE html><script>alert(1)</script>"), "a program": []byte("\x7fELF\x02\x01\x01"), "a document": []byte("%PDF-1.7\n"),
		"external entity":   []byte(`<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg">&x;</svg>`),
		"PNG without a row": cut[:45], "PNG that lies": pngOf(1<<30, 1<<30, nil), "PNG of a billion pixels": pngBomb(t, 32_000, 32_000), "PNG without size": pngOf(0, 0, nil),
		"PNG header alone": []byte("\x89PNG\r\n\x1a\n"), "JPEG header alone": []byte("\xff\xd8\xff\xe0"), "JPEG that lies": []byte("\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01\xff\xda"),
		"GIF that lies":  append([]byte("GIF89a\xff\xff\xff\xff\x80\x00\x00\x00\x00\x00\xff\xff\xff"), "\x2c\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02\x02\x44\x01\x00"...),
		"WebP that lies": []byte("RIFF\x20\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\xff\xff\xff\x0f\x00\x00\x00\x00\x00\x00\x00\x00\x00"), "BMP that lies": bmp,
		"TIFF that turns in circles": []byte("II*\x00\x08\x00\x00\x00\x01\x00\x00\x01\x03\x00\x01\x00\x00\x00\x01\x00\x00\x00\x08\x00\x00\x00"),
		"HEIC that lies":             []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic\xff\xff\xff\xffmeta\x00\x00\x00\x00"),
		"AVIF that is cut off":       []byte("\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf"), "JPEG 2000 that is cut off": []byte("\x00\x00\x00\x0cjP  \r\n\x87\n"),
		"icon of nothing": []byte("\x00\x00\x01\x00\xff\xff"), "PSD that lies": []byte("8BPS\x00\x01\x00\x00\x00\x00\x00\x00\x00\x03\x00\x04\x93\xe0\x00\x04\x93\xe0\x00\x08\x00\x03"),
		"portable pixmap that lies": []byte("P6 99999 99999 255\n"), "archive": zipMembers(t, map[string][]byte{"a.txt": []byte("x")}),
	}
}

// pngOf is a PNG in RGBA of rows that are not filtered.
func pngOf(width, height uint32, pixels []byte) []byte {
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	for row := 0; row < len(pixels); row += int(4 * width) {
		_, _ = w.Write([]byte{0})
		_, _ = w.Write(pixels[row : row+int(4*width)])
	}
	_ = w.Close()
	return pngWith(width, height, packed.Bytes())
}

// pngBomb is a whole PNG of one colour.
func pngBomb(t *testing.T, width, height int) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	row := make([]byte, 1+width/2) // four bits a pixel would do; the header says eight
	for range height {
		if _, err := w.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	_ = w.Close()
	return pngWith(uint32(width), uint32(height), packed.Bytes())
}

func pngWith(width, height uint32, packed []byte) []byte {
	header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, width), height)
	file := []byte("\x89PNG\r\n\x1a\n")
	for _, chunk := range []struct {
		kind string
		data []byte
	}{{"IHDR", append(header, 8, 6, 0, 0, 0)}, {"IDAT", packed}, {"IEND", nil}} {
		content := append([]byte(chunk.kind), chunk.data...)
		file = binary.BigEndian.AppendUint32(file, uint32(len(chunk.data)))
		file = binary.BigEndian.AppendUint32(append(file, content...), crc32.ChecksumIEEE(content))
	}
	return file
}

// hostileArchives are archives by what is wrong with them; those whose name has "tar" in it
// are tar archives.
func hostileArchives(t *testing.T) map[string][]byte {
	t.Helper()
	pixel, err := base64.StdEncoding.DecodeString(onePixel())
	if err != nil {
		t.Fatal(err)
	}
	whole := zipMembers(t, map[string][]byte{"a.txt": bytes.Repeat([]byte("x"), 1000)})
	link := func(name, target string, kind byte) []byte {
		return tarMembers(t, tar.Header{Name: name, Linkname: target, Typeflag: kind, Mode: 0o777})
	}
	return map[string][]byte{
		"zip with names that lead out": zipMembers(t, map[string][]byte{"../../etc/cron.d/a.png": pixel, "/root/b.png": pixel, `..\..\c.png`: pixel}),
		"zip that is cut off":          whole[:len(whole)-30], "zip of nothing": []byte("PK\x05\x06" + strings.Repeat("\x00", 18)), "no zip": []byte("PK\x03\x04 and nothing else"),
		"zip in a zip": zipMembers(t, map[string][]byte{"inner.zip": whole}), "zip of zeros": zipZeros(t, 1<<30), "picture": pixel,
		"tar with a link": link("a.png", "/etc/passwd", tar.TypeSymlink), "tar with a hard link": link("a.png", "/etc/shadow", tar.TypeLink), "tar with a device": link("a.png", "", tar.TypeChar),
		"tar with names that lead out": tarMembers(t, tar.Header{Name: "../../a.png", Size: 4, Typeflag: tar.TypeReg}), "tar that lies": tarMembers(t, tar.Header{Name: "a.png", Size: 4, Typeflag: tar.TypeReg})[:514],
		"tar.gz of zeros": gzipZeros(t, 1<<30), "empty": nil,
	}
}

func zipMembers(t *testing.T, members map[string][]byte) []byte {
	t.Helper()
	var file bytes.Buffer
	w := zip.NewWriter(&file)
	for name, data := range members {
		member, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = member.Write(data)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func tarMembers(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var file bytes.Buffer
	w := tar.NewWriter(&file)
	for _, header := range headers {
		if err := w.WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(make([]byte, header.Size))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func zipZeros(t *testing.T, size int64) []byte {
	t.Helper()
	var file bytes.Buffer
	w := zip.NewWriter(&file)
	member, err := w.Create("a.png")
	if err != nil {
		t.Fatal(err)
	}
	writeZeros(t, member, size)
	_ = w.Close()
	return file.Bytes()
}

func gzipZeros(t *testing.T, size int64) []byte {
	t.Helper()
	var file bytes.Buffer
	w := gzip.NewWriter(&file)
	writeZeros(t, w, size)
	_ = w.Close()
	return file.Bytes()
}

func writeZeros(t *testing.T, to io.Writer, size int64) {
	t.Helper()
	zeros := make([]byte, 1<<20)
	for range size >> 20 {
		if _, err := to.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
}
