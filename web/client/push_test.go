package client_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"polylens/search"
	"polylens/web/client"
	"polylens/web/webtest"
)

// TestPushTellsOwnErrors: what is wrong with the lines here is not said of the server.
func TestPushTellsOwnErrors(t *testing.T) {
	server := webtest.NewServer(t)
	own := errors.New("the disk is gone")
	lines := io.MultiReader(strings.NewReader("{}\n"), iotest.ErrReader(own))
	if _, err := client.New(server.URL).Push(t.Context(), "c", lines, client.Lines, ""); !errors.Is(err, own) || errors.Is(err, search.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
