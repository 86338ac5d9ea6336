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

	"polylens/internal/hook"
)

// childName is what a child is called instead of the name of the program.
const childName = "polylens-decoder"

// hooked is whether MaybeRunChild has been called.
var hooked = hook.New("decode.MaybeRunChild")

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
	hooked.Called(true)
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
	requests := make(chan requestHead)
	go receive(os.Stdin, requests)
	memory := &mapping{file: os.NewFile(sharedFile, "shared memory")}
	for request := range requests {
		if err := answer(os.Stdout, memory, request, decoders, limiter); err != nil {
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

// receive reads requests and ends the process when the parent closes the pipe or dies,
// also while a library is at work.
func receive(r io.Reader, requests chan<- requestHead) {
	for {
		var request requestHead
		err := readHead(r, &request)
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

// answer decodes within the memory of the request.
func answer(w io.Writer, memory *mapping, head requestHead, decoders map[string]Decode, limiter *limiter) error {
	data, pixels, err := memory.of(head)
	if err != nil {
		return err
	}
	head.Data = data
	arena := arena{shared: pixels}
	defer arena.free()
	if err := limiter.set(head.Memory - int64(len(data)+len(pixels))); err != nil {
		return err
	}
	reply, problem := decodeOne(head.Request, decoders, arena.allocate)
	if err := limiter.lift(); err != nil {
		return err
	}
	defer memory.trim()
	return writeReply(w, reply, problem, pixels)
}

func decodeOne(request Request, decoders map[string]Decode, allocate func(int) ([]byte, error)) (Reply, error) {
	decode := decoders[request.Decoder]
	if decode == nil {
		return Reply{}, fmt.Errorf("%w: nothing is called %q", ErrAbsent, request.Decoder)
	}
	reply, err := decode(request, allocate)
	if err == nil && reply.Image.Bounds() != (image.Rectangle{Max: request.Size}) {
		err = fmt.Errorf("it has %v pixels instead of %v", reply.Image.Bounds().Size(), request.Size)
	}
	if err != nil && kindOf(err) == refused && strings.Contains(strings.ToLower(err.Error()), "memory") {
		err = fmt.Errorf("%w: %w", ErrMemory, err) // libraries have words for it, not numbers
	}
	return reply, err
}
