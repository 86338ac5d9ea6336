package outside

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// childName is what a child is called instead of the name of the program.
const childName = "polylens-decoder"

// childTask is what a child is told at its start.
type childTask struct {
	Libraries map[string]string // by the name of the decoder
	Memory    int64             // see Options
}

// MaybeRunChild must stand at the beginning of main, and of TestMain in packages
// whose tests decode outside. In an ordinary process it does nothing. In a child, which
// is this same program, it decodes with the decoders and never returns: what follows it
// in main must not run there, which is why it ends the process itself.
func MaybeRunChild(openers map[string]Opener) {
	if len(os.Args) != 2 || os.Args[0] != childName {
		return
	}
	if err := runChild(os.Args[1], openers); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func runChild(encoded string, openers map[string]Opener) error {
	runtime.GOMAXPROCS(2) // one decodes, one notices that the parent is gone
	var task childTask
	if err := json.Unmarshal([]byte(encoded), &task); err != nil {
		return err
	}
	decoders := open(openers, task.Libraries)
	limiter, err := confine(task.Memory)
	if err != nil {
		return fmt.Errorf("it cannot be confined: %w", err)
	}
	requests := make(chan received)
	go receive(os.Stdin, requests)
	for request := range requests {
		if err := answer(os.Stdout, request, decoders, limiter); err != nil {
			return err
		}
	}
	return nil
}

// open loads the libraries. A decoder whose library does not load says so of every
// picture.
func open(openers map[string]Opener, libraries map[string]string) map[string]Decode {
	decoders := map[string]Decode{}
	for name, opener := range openers {
		library, wanted := libraries[name]
		if !wanted {
			continue
		}
		decoder, err := opener(library)
		if err != nil {
			decoder = func(Request, func(int) ([]byte, error)) (Reply, error) {
				return Reply{}, fmt.Errorf("%w: %w", ErrAbsent, err)
			}
		}
		decoders[name] = decoder
	}
	return decoders
}

// received is a request in the child, with the memory that was taken for it.
type received struct {
	Request
	arena *arena
	err   error // instead of data
}

// receive reads requests and ends the process when the parent closes the pipe or dies,
// also while a library is at work.
func receive(r io.Reader, requests chan<- received) {
	for {
		request, err := readRequest(r)
		if errors.Is(err, io.EOF) {
			os.Exit(0)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		requests <- request
	}
}

// readRequest reads a request; without memory for its data it passes over them.
func readRequest(r io.Reader) (received, error) {
	var head requestHead
	if err := readHead(r, &head); err != nil {
		return received{}, err
	}
	request := received{Request: head.Request, arena: new(arena)}
	if request.Data, request.err = request.arena.allocate(head.DataBytes); request.err != nil {
		_, err := io.CopyN(io.Discard, r, int64(head.DataBytes))
		return request, err
	}
	_, err := io.ReadFull(r, request.Data)
	return request, err
}

// answer decodes within the memory of the request.
func answer(w io.Writer, request received, decoders map[string]Decode, limiter *limiter) error {
	defer request.arena.free()
	if err := limiter.set(request.Memory - int64(len(request.Data))); err != nil {
		return err
	}
	reply, err := decodeOne(request, decoders)
	if err := limiter.lift(); err != nil {
		return err
	}
	return writeReply(w, reply, err)
}

func decodeOne(request received, decoders map[string]Decode) (Reply, error) {
	if request.err != nil {
		return Reply{}, request.err
	}
	decode := decoders[request.Decoder]
	if decode == nil {
		return Reply{}, fmt.Errorf("%w: nothing is called %q", ErrAbsent, request.Decoder)
	}
	reply, err := decode(request.Request, request.arena.allocate)
	if err == nil && reply.Image.Bounds() != (image.Rectangle{Max: request.Size}) {
		err = fmt.Errorf("it has %v pixels instead of %v", reply.Image.Bounds().Size(), request.Size)
	}
	if err != nil && strings.Contains(strings.ToLower(err.Error()), "memory") && !errors.Is(err, ErrAbsent) {
		err = fmt.Errorf("%w: %w", ErrMemory, err)
	}
	return reply, err
}

// arena is memory for one request, which goes back to the system at once, so that a
// child that waits is small.
type arena struct{ pieces [][]byte }

func (a *arena) allocate(bytes int) ([]byte, error) {
	if bytes <= 0 {
		return nil, nil
	}
	piece, err := unix.Mmap(-1, 0, bytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("%w: no %d MiB are left", ErrMemory, bytes>>20)
	}
	a.pieces = append(a.pieces, piece)
	return piece, nil
}

func (a *arena) free() {
	for _, piece := range a.pieces {
		_ = unix.Munmap(piece) // fails only for what is not mapped
	}
	a.pieces = nil
}
