package outside

import (
	"bytes"
	"errors"
	"image"
	"reflect"
	"strings"
	"testing"
)

// sent is the bytes of a reply.
func sent(t testing.TB, reply Reply, problem error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := writeReply(&b, reply, problem); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func headed(t testing.TB, head replyHead, pixels int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := writeHead(&b, head); err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), make([]byte, pixels)...)
}

func TestReply(t *testing.T) {
	rect := image.Rect(0, 0, 3, 2)
	want := Request{Size: rect.Max}
	for _, img := range []image.Image{image.NewGray(rect), image.NewNRGBA(rect), image.NewCMYK(rect)} {
		reply := Reply{img, []byte("profile"), []string{"Something is missing."}}
		got, err := readReply(bytes.NewReader(sent(t, reply, nil)), want)
		if err != nil || !reflect.DeepEqual(got, reply) {
			t.Errorf("%+v, %v", got, err)
		}
	}
	for _, problem := range []error{ErrRefused, ErrMemory, ErrAbsent} {
		if _, err := readReply(bytes.NewReader(sent(t, Reply{}, problem)), want); !errors.Is(err, problem) {
			t.Errorf("%v, want %v", err, problem)
		}
	}
	if _, err := readReply(bytes.NewReader(sent(t, Reply{Image: image.NewRGBA(rect)}, nil)), want); !errors.Is(err, ErrRefused) {
		t.Errorf("a picture that cannot be sent: %v", err)
	}
}

// A child that has been taken over must not hurt its parent.
func TestHostileReplies(t *testing.T) {
	want := Request{Size: image.Pt(3, 2)}
	good := replyHead{Kind: decoded, Size: want.Size, Layout: gray}
	changed := func(change func(*replyHead)) []byte {
		head := good
		change(&head)
		return headed(t, head, 6)
	}
	whole := headed(t, good, 6)
	if _, err := readReply(bytes.NewReader(whole), want); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"nothing":             nil,
		"half a length":       whole[:2],
		"half a head":         whole[:20],
		"too few pixels":      whole[:len(whole)-1],
		"endless head":        []byte("\xFF\xFF\xFF\xFF{"),
		"no JSON":             []byte("\x04\x00\x00\x00abcd"),
		"larger":              changed(func(h *replyHead) { h.Size = image.Pt(1<<40, 1<<40) }),
		"negative":            changed(func(h *replyHead) { h.Size = image.Pt(-3, -2) }),
		"turned":              changed(func(h *replyHead) { h.Size = image.Pt(2, 3) }),
		"unknown layout":      changed(func(h *replyHead) { h.Layout = "rgb" }),
		"no layout":           changed(func(h *replyHead) { h.Layout = "" }),
		"unknown kind":        changed(func(h *replyHead) { h.Kind = "good" }),
		"large profile":       changed(func(h *replyHead) { h.Profile = make([]byte, mostProfile+1) }),
		"many warnings":       changed(func(h *replyHead) { h.Warnings = make([]string, mostWarnings+1) }),
		"empty warning":       changed(func(h *replyHead) { h.Warnings = []string{""} }),
		"warning of lines":    changed(func(h *replyHead) { h.Warnings = []string{"a\nb"} }),
		"long warning":        changed(func(h *replyHead) { h.Warnings = []string{strings.Repeat("a", mostSentence+1)} }),
		"problem without one": changed(func(h *replyHead) { h.Kind = refused }),
	} {
		if reply, err := readReply(bytes.NewReader(data), want); !errors.Is(err, errProtocol) || reply.Image != nil {
			t.Errorf("%s: %+v, %v", name, reply, err)
		}
	}
}

func TestLongProblemIsCut(t *testing.T) {
	_, err := readReply(bytes.NewReader(sent(t, Reply{}, errors.New(strings.Repeat("ü", 10000)))), Request{})
	if !errors.Is(err, ErrRefused) || len(err.Error()) > 2*mostSentence {
		t.Errorf("%v", err)
	}
}

func FuzzReadReply(f *testing.F) {
	rect := image.Rect(0, 0, 3, 2)
	for _, img := range []image.Image{image.NewGray(rect), image.NewNRGBA(rect), image.NewCMYK(rect)} {
		f.Add(sent(f, Reply{img, []byte("profile"), []string{"Something is missing."}}, nil))
	}
	f.Add(sent(f, Reply{}, errors.New("no")))
	f.Fuzz(func(t *testing.T, data []byte) {
		want := Request{Size: rect.Max}
		reply, err := readReply(bytes.NewReader(data), want)
		if err != nil {
			if reply.Image != nil {
				t.Fatal("a picture beside an error")
			}
			return
		}
		if reply.Image.Bounds() != rect || len(reply.Profile) > mostProfile || len(reply.Warnings) > mostWarnings {
			t.Fatalf("%+v", reply)
		}
		// What was understood is understood again.
		again, err := readReply(bytes.NewReader(sent(t, reply, nil)), want)
		if err != nil || !reflect.DeepEqual(again, reply) {
			t.Fatalf("%+v became %+v, %v", reply, again, err)
		}
	})
}

func FuzzReadRequest(f *testing.F) {
	var b bytes.Buffer
	if err := writeRequest(&b, request("paint")); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := readRequest(bytes.NewReader(data))
		if got.arena != nil {
			defer got.arena.free()
		}
		if err == nil && got.err == nil && len(got.Data) > len(data) {
			t.Fatalf("%d bytes of data out of %d", len(got.Data), len(data))
		}
	})
}
