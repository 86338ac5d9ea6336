package outside

import (
	"errors"
	"image"
)

// Request is a picture to be decoded.
type Request struct {
	Decoder  string      // name of it
	Full     image.Point // of the picture in the file, as the caller has read it
	Size     image.Point // of the picture that is wanted, which the reply has or there is none
	Scale    int         // how the one becomes the other, as the decoder counts it
	Tolerant bool        // a damaged picture is wanted as far as it goes, with a warning
	Memory   int64       // bytes that decoding may take, Data and the picture included
	Data     []byte      `json:"-"`
}

// Reply is a decoded picture.
type Reply struct {
	Image    image.Image // *image.Gray, *image.NRGBA or *image.CMYK, of 8 bits, from (0, 0)
	Profile  []byte      // ICC profile of the image, nil without one
	Warnings []string    // sentences, see decode.Info
}

// Errors of Pool.Decode, wrapped.
var (
	ErrRefused     = errors.New("it cannot be decoded")                       // says the decoder
	ErrUnsupported = errors.New("it is of a kind that is not supported")      // says the decoder, too
	ErrMemory      = errors.New("it needs more memory than it may have")      // see Request.Memory
	ErrCrashed     = errors.New("its decoder crashed")                        // in its own process, which has been replaced
	ErrKilled      = errors.New("the process of its decoder has been killed") // from outside, again after another try
	ErrAbsent      = errors.New("its decoder is not available")               // no library, or no process
)

// Decode is a decoder, which runs in a child. It gets memory for the picture from
// allocate, which fails with ErrMemory, as Decode does. Its other errors are
// ErrUnsupported, if they wrap it, or ErrRefused. What it returns is used before it is called again.
type Decode func(request Request, allocate func(bytes int) ([]byte, error)) (Reply, error)

// Opener loads the library of a decoder; "" is the one that the system has.
type Opener func(library string) (Decode, error)
