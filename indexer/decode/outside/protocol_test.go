package outside

import (
	"bytes"
	"errors"
	"image"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// sent is the bytes of a reply, and its pixels.
func sent(t testing.TB, reply Reply, problem error) (head, pixels []byte) {
	t.Helper()
	var b bytes.Buffer
	pixels = make([]byte, 24)
	if err := writeReply(&b, reply, problem, pixels); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), pixels
}

func headed(t testing.TB, head replyHead) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := writeHead(&b, head); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// understood reads what sent has made.
func understood(head, pixels []byte, want Request) (Reply, error) {
	return readReply(bytes.NewReader(head), bytes.NewReader(pixels), want)
}

func TestReply(t *testing.T) {
	rect := image.Rect(0, 0, 3, 2)
	want := Request{Size: rect.Max}
	for _, img := range []image.Image{image.NewGray(rect), image.NewNRGBA(rect), image.NewCMYK(rect)} {
		reply := Reply{img, []byte("profile"), []string{"Something is missing."}}
		head, pixels := sent(t, reply, nil)
		got, err := understood(head, pixels, want)
		if err != nil || !reflect.DeepEqual(got, reply) {
			t.Errorf("%+v, %v", got, err)
		}
	}
	for _, problem := range []error{ErrRefused, ErrUnsupported, ErrMemory, ErrAbsent} {
		head, _ := sent(t, Reply{}, problem)
		if _, err := understood(head, nil, want); !errors.Is(err, problem) {
			t.Errorf("%v, want %v", err, problem)
		}
	}
	for name, img := range map[string]image.Image{"cannot be sent": image.NewRGBA(rect), "is too large": image.NewNRGBA(image.Rect(0, 0, 4, 2))} {
		head, _ := sent(t, Reply{Image: img}, nil)
		if _, err := understood(head, nil, want); !errors.Is(err, ErrRefused) {
			t.Errorf("a picture that %s: %v", name, err)
		}
	}
}

// A child that has been taken over must not hurt its parent.
func TestHostileReplies(t *testing.T) {
	want := Request{Size: image.Pt(3, 2)}
	good := replyHead{Kind: decoded, Size: want.Size, Layout: gray}
	changed := func(change func(*replyHead)) []byte {
		head := good
		change(&head)
		return headed(t, head)
	}
	whole := headed(t, good)
	pixels := make([]byte, 6)
	if _, err := understood(whole, pixels, want); err != nil {
		t.Fatal(err)
	}
	if _, err := understood(whole, pixels[:5], want); !errors.Is(err, errProtocol) {
		t.Errorf("too few pixels: %v", err)
	}
	for name, data := range map[string][]byte{
		"nothing":             nil,
		"half a length":       whole[:2],
		"half a head":         whole[:20],
		"all but a byte":      whole[:len(whole)-1],
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
		if reply, err := understood(data, pixels, want); !errors.Is(err, errProtocol) || reply.Image != nil {
			t.Errorf("%s: %+v, %v", name, reply, err)
		}
	}
}

func TestLongProblemIsCut(t *testing.T) {
	head, _ := sent(t, Reply{}, errors.New(strings.Repeat("ü", 10000)))
	_, err := understood(head, nil, Request{})
	if !errors.Is(err, ErrRefused) || len(err.Error()) > 2*mostSentence {
		t.Errorf("%v", err)
	}
}

func FuzzReadReply(f *testing.F) {
	rect := image.Rect(0, 0, 3, 2)
	for _, img := range []image.Image{image.NewGray(rect), image.NewNRGBA(rect), image.NewCMYK(rect)} {
		head, pixels := sent(f, Reply{img, []byte("profile"), []string{"Something is missing."}}, nil)
		f.Add(head, pixels)
	}
	head, _ := sent(f, Reply{}, errors.New("no"))
	f.Add(head, []byte{})
	f.Fuzz(func(t *testing.T, head, pixels []byte) {
		want := Request{Size: rect.Max}
		reply, err := understood(head, pixels, want)
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
		head, pixels = sent(t, reply, nil)
		again, err := understood(head, pixels, want)
		if err != nil || again.Image.Bounds() != rect || !reflect.DeepEqual(again.Image, reply.Image) || !slices.Equal(again.Warnings, reply.Warnings) || !bytes.Equal(again.Profile, reply.Profile) {
			t.Fatalf("%+v became %+v, %v", reply, again, err)
		}
	})
}

// A child is not to be hurt by its parent either, but it may refuse.
func FuzzReadRequest(f *testing.F) {
	var b bytes.Buffer
	if err := writeRequest(&b, request("paint")); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	file, err := memoryFile()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { file.Close() })
	f.Fuzz(func(t *testing.T, data []byte) {
		var head requestHead
		if readHead(bytes.NewReader(data), &head) != nil {
			return
		}
		memory := mapping{file: file}
		defer memory.unmap()
		content, pixels, err := memory.of(head)
		if err != nil {
			return
		}
		if len(content) != head.DataBytes || len(pixels) != 4*head.Size.X*head.Size.Y {
			t.Fatalf("%d and %d bytes for %+v", len(content), len(pixels), head)
		}
	})
}
