package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"polylens/search/milvus"
)

func main() {
	milvus.MaybeRunChild() // this program is also the keeper of its Milvus
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // from here on a second signal ends the program at once
	}()
	os.Exit(Main(ctx, os.Args[1:], terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}

// terminal is what a command reads from and writes to.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

// Main runs one command line and returns the exit code. An error is one line
// on the terminal's err.
func Main(ctx context.Context, arguments []string, terminal terminal) int {
	err := run(ctx, arguments, terminal)
	if err == nil || errors.Is(err, errHelpShown) {
		return exitSuccess
	}
	message := strings.Join(strings.Fields(err.Error()), " ")
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		message = "interrupted"
	}
	fmt.Fprintln(terminal.err, "polylens:", message)
	return exitCode(ctx, err)
}
