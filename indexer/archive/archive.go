package archive

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"polylens/indexer/source"
)

// Entry is one picture of an archive, or what was to be one and cannot be used.
type Entry struct {
	// ID is the name of the member that holds the picture, with / between its parts: at
	// most 512 bytes of UTF-8 without control characters, and different for each Entry
	// without a Problem.
	ID       string
	Data     []byte // of the picture, as it is; the caller's from now on
	Metadata map[string]any
	Captions []source.Caption
	Warnings []error // what of its description is not usable
	Problem  error   // why there is no Data
}

// Summary says what was met in an archive.
type Summary struct {
	Pictures int // entries without a problem
	Problems int // entries with one
	// Others are members that are neither pictures nor describe them, by the ends of
	// their names (".npy"), and what systems add of their own. Of many kinds the rest
	// is under "…".
	Others map[string]int
}

// Read visits the pictures in an archive. One in tar is read as a stream; for zip, content
// must be an io.ReaderAt and io.Seeker as well, as files are.
//
// An error of visit ends the reading and is returned as it is. Other errors are those of
// the archive as a whole: it is cut off (ErrCutOff), damaged, or asks for too much
// (ErrLimit); what was visited before is good. The error does not name the archive.
func Read(ctx context.Context, content io.Reader, limits Limits, visit func(Entry) error) (Summary, error) {
	limits = limits.withDefaults()
	if err := limits.check(); err != nil {
		return Summary{}, err
	}
	c := &collector{
		meter: &meter{ctx: ctx, limits: limits}, limits: limits, visit: visit,
		seen: map[[16]byte]struct{}{}, summary: Summary{Others: map[string]int{}},
	}
	err := c.end(c.read(content))
	return c.summary, err
}

func (c *collector) read(content io.Reader) error {
	buffered := bufio.NewReaderSize(c.meter.packedReader(content), 64<<10)
	head, err := buffered.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch packing := PackingOf(head); {
	case packing == Zip:
		return c.readZip(content)
	case packing != None:
		return c.readPacked(buffered, packing)
	case len(head) == 0:
		return errors.New("it is empty")
	case bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return errors.New("it is a zip archive with nothing in it")
	case !IsTar(head) && other(head) != "":
		return fmt.Errorf("it is %s: pack it as tar or zip", other(head))
	}
	return c.readTar(c.meter.unpackedReader(buffered, None))
}

func (c *collector) readPacked(packed io.Reader, packing Packing) error {
	content, err := Unpack(packing, packed)
	if err != nil {
		return fmt.Errorf("it cannot be unpacked (%s): %w", packing, cutOff(err))
	}
	defer content.Close()
	whole := c.meter.unpackedReader(content, packing)
	if err := c.readTar(whole); err != nil {
		return err
	}
	// What follows holds the checksums.
	if _, err := io.Copy(io.Discard, whole); err != nil {
		return fmt.Errorf("it cannot be unpacked (%s) to its end: %w", packing, cutOff(err))
	}
	return nil
}

// cutOff gives errors for an early end their name.
func cutOff(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", ErrCutOff, err)
	}
	return err
}

// other names archives that are not read, and what is taken for one.
func other(head []byte) string {
	for magic, name := range map[string]string{
		"7z\xbc\xaf\x27\x1c": "a 7z archive", "Rar!": "a RAR archive", "\x89PNG": "a picture, not an archive", "\xff\xd8\xff": "a picture, not an archive",
		"%PDF": "a PDF document", "<": "a text, not an archive", "{": "a text, not an archive", "PAR1": "a Parquet file",
	} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return name
		}
	}
	return ""
}
