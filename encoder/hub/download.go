package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// enough is how many new bytes count as progress, after which a failure is forgiven.
const enough = 1 << 20

// errContent marks a whole file of the wrong content.
var errContent = errors.New("wrong content")

// address is where the hub keeps a file at a commit.
func (c *client) address(name, commit, file string) string {
	segments := strings.Split(file, "/")
	for i, segment := range segments {
		segments[i] = url.PathEscape(segment)
	}
	return c.access.Endpoint + "/" + name + "/resolve/" + commit + "/" + strings.Join(segments, "/")
}

// download brings a part to its end and checks it. Content that is wrong is fetched
// once more from the beginning: what was resumed may have been of another version,
// and servers make mistakes.
func (c *client) download(ctx context.Context, address, commit string, p *part, arrived func(int64)) error {
	spoiled := false
	return c.repeat(ctx, func() (bool, error) {
		before := p.bytes
		err := c.continuePart(ctx, address, commit, p, arrived)
		if err == nil {
			if err = p.check(); err != nil {
				err = fmt.Errorf("%w: %w", errContent, err)
			}
		}
		if !errors.Is(err, errContent) {
			return p.bytes-before >= enough, err
		}
		if err = restart(err, p, arrived); spoiled {
			err = permanent(err)
		}
		spoiled = true
		return false, err
	})
}

// continuePart asks for the rest of a part and writes it.
func (c *client) continuePart(ctx context.Context, address, commit string, p *part, arrived func(int64)) error {
	if p.isWhole() {
		return nil
	}
	ctx, dog := watch(ctx, c.stall)
	defer dog.stop()
	// Compressed content could not be resumed.
	header := http.Header{"Accept-Encoding": {"identity"}}
	if p.bytes > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", p.bytes))
	}
	response, err := c.get(ctx, http.MethodGet, address, header)
	if err != nil {
		return restartIfRefused(err, p, arrived)
	}
	defer response.Body.Close()
	host := response.Request.URL.Host
	if err := checkAnswer(response, commit, p, arrived); err != nil {
		return fmt.Errorf("%s: %s: %w", host, p.wanted.Name, err)
	}
	rest := p.wanted.Bytes - p.bytes
	n, err := io.Copy(p, counted(io.LimitReader(dog.reader(response.Body), rest), arrived))
	switch {
	case err != nil:
		return plainError(ctx, host, err)
	case n < rest:
		return fmt.Errorf("%s ended %s %d bytes early", host, p.wanted.Name, rest-n)
	}
	return nil
}

// restartIfRefused clears a part whose range the server refuses.
func restartIfRefused(err error, p *part, arrived func(int64)) error {
	var status *statusError
	if errors.As(err, &status) && status.code == http.StatusRequestedRangeNotSatisfiable {
		return restart(err, p, arrived)
	}
	return err
}

// checkAnswer compares the header of an answer with what is to come. A server
// that ignores ranges begins the part again.
func checkAnswer(response *http.Response, commit string, p *part, arrived func(int64)) error {
	if other := response.Header.Get("X-Repo-Commit"); other != "" && other != commit {
		return permanent(fmt.Errorf("is of commit %s, not %s: a mirror that mixes versions cannot be used", printable(other), commit))
	}
	announced := response.ContentLength
	if response.StatusCode == http.StatusOK {
		if announced >= 0 && announced != p.wanted.Bytes {
			return fmt.Errorf("%d bytes are announced instead of %d", announced, p.wanted.Bytes)
		}
		return restart(nil, p, arrived)
	}
	if err := checkRange(response.Header.Get("Content-Range"), p.bytes, p.wanted.Bytes); err != nil {
		return restart(err, p, arrived)
	}
	if rest := p.wanted.Bytes - p.bytes; announced >= 0 && announced != rest {
		return restart(fmt.Errorf("%d bytes are announced instead of %d", announced, rest), p, arrived)
	}
	return nil
}

// restart clears a part, after which the server is asked for the whole file.
func restart(reason error, p *part, arrived func(int64)) error {
	arrived(-p.bytes)
	if err := p.clear(); err != nil {
		return permanent(err)
	}
	return reason
}

// checkRange demands the rest of a file from first on: "bytes FIRST-LAST/SIZE".
func checkRange(value string, first, size int64) error {
	want := fmt.Sprintf("bytes %d-%d/%d", first, size-1, size)
	if value != want {
		return fmt.Errorf("the server sends the range %q instead of %q", printable(value), want)
	}
	return nil
}

// counted reports how many bytes have arrived.
func counted(from io.Reader, arrived func(int64)) io.Reader { return &countedReader{from, arrived} }

type countedReader struct {
	from    io.Reader
	arrived func(int64)
}

func (r *countedReader) Read(buffer []byte) (int, error) {
	n, err := r.from.Read(buffer)
	r.arrived(int64(n))
	return n, err
}

// complete asks for the size and hash of a file where the listing lacks them, as that
// of a mirror may.
func (c *client) complete(ctx context.Context, address string, file *remoteFile) error {
	return c.repeat(ctx, func() (bool, error) {
		ctx, dog := watch(ctx, c.stall)
		defer dog.stop()
		response, err := c.get(ctx, http.MethodHead, address, http.Header{"Accept-Encoding": {"identity"}})
		if err != nil {
			return false, err
		}
		response.Body.Close()
		return false, file.fromHeader(response)
	})
}

// fromHeader reads what the hub says before it redirects to where a large file
// is, or of a small file.
func (f *remoteFile) fromHeader(response *http.Response) error {
	size, hash := response.Header.Get("X-Linked-Size"), response.Header.Get("X-Linked-Etag")
	if size == "" {
		size = response.Header.Get("Content-Length")
	}
	if hash == "" {
		hash = response.Header.Get("ETag")
	}
	bytes, err := strconv.ParseInt(size, 10, 64)
	hash = strings.Trim(strings.TrimPrefix(hash, "W/"), `"`)
	switch {
	case err != nil || bytes < 0:
		return permanent(fmt.Errorf("%s does not say how large %s is", response.Request.URL.Host, f.Name))
	case isHex(hash, 64):
		f.SHA256, f.Blob = hash, ""
	case isHex(hash, 40):
		f.SHA256, f.Blob = "", hash
	default:
		return permanent(fmt.Errorf("%s names no hash of %s, without which it is not fetched", response.Request.URL.Host, f.Name))
	}
	f.Bytes = bytes
	return permanentIf(f.check())
}

func permanentIf(err error) error {
	if err == nil {
		return nil
	}
	return permanent(err)
}
