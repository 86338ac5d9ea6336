package outside

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"strings"
	"unicode/utf8"
)

// What a message may hold at most.
const (
	mostHead     = 8 << 20 // bytes of JSON
	mostProfile  = 4 << 20
	mostWarnings = 16
	mostSentence = 500 // bytes of a warning or a problem
)

// A message is the length of its head in four bytes, and the head in JSON. Data and
// pixels go through memory that parent and child share, see exchange.

// requestHead tells a child what to do with the data.
type requestHead struct {
	Request
	DataBytes int
}

// replyHead tells the parent what the pixels are: as many as size and layout say.
type replyHead struct {
	Kind     kind
	Problem  string      `json:",omitempty"` // why there is no picture
	Size     image.Point // of the picture
	Layout   layout      `json:",omitempty"`
	Profile  []byte      `json:",omitempty"`
	Warnings []string    `json:",omitempty"`
}

// kind says what a reply is.
type kind string

const (
	decoded     kind = "decoded"
	refused     kind = "refused"
	unsupported kind = "unsupported"
	memory      kind = "memory"
	absent      kind = "absent"
)

var problems = map[kind]error{refused: ErrRefused, unsupported: ErrUnsupported, memory: ErrMemory, absent: ErrAbsent}

// layout says how pixels lie in memory, row after row without gaps.
type layout string

const (
	gray  layout = "gray"
	nrgba layout = "nrgba"
	cmyk  layout = "cmyk"
)

var bytesPerPixel = map[layout]int{gray: 1, nrgba: 4, cmyk: 4}

func (l layout) image(pixels []byte, size image.Point) image.Image {
	stride, rect := size.X*bytesPerPixel[l], image.Rectangle{Max: size}
	switch l {
	case gray:
		return &image.Gray{Pix: pixels, Stride: stride, Rect: rect}
	case nrgba:
		return &image.NRGBA{Pix: pixels, Stride: stride, Rect: rect}
	}
	return &image.CMYK{Pix: pixels, Stride: stride, Rect: rect}
}

// pixelsOf is the opposite of layout.image.
func pixelsOf(img image.Image) (layout, []byte, error) {
	switch m := img.(type) {
	case *image.Gray:
		return gray, m.Pix, nil
	case *image.NRGBA:
		return nrgba, m.Pix, nil
	case *image.CMYK:
		return cmyk, m.Pix, nil
	}
	return "", nil, fmt.Errorf("a picture of type %T cannot be sent", img)
}

func writeHead(w io.Writer, head any) error {
	text, err := json.Marshal(head)
	if err != nil {
		return err
	}
	_, err = w.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(text))), text...))
	return err
}

func readHead(r io.Reader, head any) error {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return err
	}
	n := binary.LittleEndian.Uint32(length[:])
	if n > mostHead {
		return fmt.Errorf("a head of %d bytes", n)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return err
	}
	return json.Unmarshal(text, head)
}

func writeRequest(w io.Writer, request Request) error {
	return writeHead(w, requestHead{request, len(request.Data)})
}

// writeReply sends a picture, whose pixels it puts into the shared memory if they are
// not there yet, or why there is none.
func writeReply(w io.Writer, reply Reply, problem error, shared []byte) error {
	head, pixels := replyHead{Kind: decoded, Profile: reply.Profile, Warnings: reply.Warnings}, []byte(nil)
	if problem == nil {
		head.Size = reply.Image.Bounds().Size()
		head.Layout, pixels, problem = pixelsOf(reply.Image)
	}
	if problem == nil && len(pixels) > len(shared) {
		problem = fmt.Errorf("a picture of %d bytes where %d are expected", len(pixels), len(shared))
	}
	if problem != nil {
		return writeHead(w, replyHead{Kind: kindOf(problem), Problem: fmt.Sprintf("%.*s", mostSentence/utf8.UTFMax, problem)})
	}
	if len(pixels) > 0 && &pixels[0] != &shared[0] {
		copy(shared, pixels)
	}
	return writeHead(w, head)
}

func kindOf(problem error) kind {
	for kind, err := range problems {
		if errors.Is(problem, err) {
			return kind
		}
	}
	return refused
}

// errProtocol is returned, wrapped, for a reply that no child of ours sends.
var errProtocol = errors.New("its process sent what is no reply")

// readReply reads the reply to a request, and its pixels from the shared memory. No
// memory is taken for more than was asked for.
func readReply(r io.Reader, shared io.ReaderAt, request Request) (Reply, error) {
	var head replyHead
	if err := readHead(r, &head); err != nil {
		return Reply{}, fmt.Errorf("%w: %w", errProtocol, err)
	}
	if problem := problems[head.Kind]; problem != nil {
		if !sentence(head.Problem) {
			return Reply{}, fmt.Errorf("%w: a problem that is no text", errProtocol)
		}
		return Reply{}, fmt.Errorf("%w: %s", problem, strings.TrimPrefix(head.Problem, problem.Error()+": "))
	}
	if err := head.check(request); err != nil {
		return Reply{}, fmt.Errorf("%w: %w", errProtocol, err)
	}
	pixels := make([]byte, head.Size.X*head.Size.Y*bytesPerPixel[head.Layout])
	if _, err := shared.ReadAt(pixels, pixelsAt(len(request.Data))); err != nil {
		return Reply{}, fmt.Errorf("%w: %w", errProtocol, err)
	}
	return Reply{head.Layout.image(pixels, head.Size), head.Profile, head.Warnings}, nil
}

// check compares with what was asked for.
func (h replyHead) check(request Request) error {
	switch {
	case h.Kind != decoded:
		return errors.New("neither a picture nor a problem")
	case h.Size != request.Size:
		return fmt.Errorf("%v pixels instead of %v", h.Size, request.Size)
	case bytesPerPixel[h.Layout] == 0:
		return fmt.Errorf("pixels of the unknown layout %.20q", h.Layout)
	case len(h.Profile) > mostProfile:
		return fmt.Errorf("a profile of %d bytes", len(h.Profile))
	case len(h.Warnings) > mostWarnings:
		return fmt.Errorf("%d warnings", len(h.Warnings))
	}
	for _, warning := range h.Warnings {
		if !sentence(warning) {
			return errors.New("a warning that is no text")
		}
	}
	return nil
}

// sentence reports whether people can be shown the text.
func sentence(text string) bool {
	if text == "" || len(text) > mostSentence || !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		if r < ' ' {
			return false
		}
	}
	return true
}
