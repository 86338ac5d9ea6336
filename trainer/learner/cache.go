package learner

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"sync/atomic"

	"polylens/encoder/half"
)

// Entries are the shapes of what enters a step for one text and for one picture;
// for several, the first dimension is so many times as large. They are nil for
// what enters as it is, token ids or pixels, and need not be kept, and for
// pictures that enter with a number of patches of their own.
func (l *Learner) Entries() (text, picture []int64) {
	one := l.plan
	one.Texts, one.Pictures, one.Keep = 1, 1, Keep{}
	if l.texts != nil {
		text = textShape(l.textEncoder.config, one)
	}
	if l.pictures != nil && !l.entersPatches() {
		picture = visionShape(l.pictureEncoder.config, one)
	}
	return text, picture
}

// CacheSettings say what a cache keeps.
type CacheSettings struct {
	Path     string // of a file; "" keeps everything in memory
	Identity string // of all that the values depend on: a file with another fingerprint is started afresh
	Items    int
	Values   int   // of each item
	Bytes    int64 // most to keep: the last items are computed each time where it is exceeded
	Half     bool  // in binary16
}

// Cache keeps what enters a step, for items that are numbered from 0. What it
// gives never depends on what it holds: values are rounded as they are stored
// before they are used, and each item is computed by itself, since a sum may
// depend in its last bit on how many are computed at once.
//
// Its file has a place of fixed size for each item, which takes no room on the
// disk before it is filled. Each record has a checksum that is written after
// it. So what was not written whole, whatever the reason, is computed again.
type Cache struct {
	settings CacheSettings
	store    store
	sums     []atomic.Uint32 // of the records that are there; 0 for the others
	record   []byte
	failed   error // of writing, after which nothing more is kept
}

// store is where records lie.
type store interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
}

// A file begins with a fingerprint, followed by the checksums and the records.
const (
	cacheHeader = sha256.Size
	sumBytes    = 4
)

// OpenCache opens a cache, or begins it.
func OpenCache(settings CacheSettings) (*Cache, error) {
	if settings.Items < 0 || settings.Values < 1 {
		return nil, fmt.Errorf("a cache of %d items with %d values each holds nothing", settings.Items, settings.Values)
	}
	c := &Cache{settings: settings, record: make([]byte, settings.recordBytes())}
	c.sums = make([]atomic.Uint32, settings.kept())
	if settings.Path == "" {
		c.store = make(memory, c.size())
		return c, nil
	}
	file, err := os.OpenFile(settings.Path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the cache of what enters a step: %w", err)
	}
	c.store = file
	if err := c.read(file); err != nil {
		return nil, errors.Join(fmt.Errorf("read the cache %s: %w; remove it, or set cache.bytes to 0", settings.Path, err), file.Close())
	}
	return c, nil
}

func (s CacheSettings) recordBytes() int {
	if s.Half {
		return 2 * s.Values
	}
	return 4 * s.Values
}

// kept is how many items have a place.
func (s CacheSettings) kept() int {
	return int(min(int64(s.Items), max(0, s.Bytes-cacheHeader)/int64(sumBytes+s.recordBytes())))
}

func (s CacheSettings) fingerprint() []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "polylens entries 1\n%d %d %d %v\n%s", s.kept(), s.Items, s.Values, s.Half, s.Identity))
	return sum[:]
}

// Needed is how many bytes the cache takes when all that it may keep is there.
func (s CacheSettings) Needed() int64 {
	return cacheHeader + int64(s.kept())*int64(sumBytes+s.recordBytes())
}

func (c *Cache) size() int64 { return c.place(len(c.sums)) }

// place is where the record of an item begins.
func (c *Cache) place(item int) int64 {
	return cacheHeader + sumBytes*int64(len(c.sums)) + int64(item)*int64(len(c.record))
}

// read takes over the checksums of a file that is of the same fingerprint and
// length, and begins any other anew.
func (c *Cache) read(file *os.File) error {
	head := make([]byte, c.place(0))
	_, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	info, errStat := file.Stat()
	if errStat != nil {
		return errStat
	}
	if err != nil || info.Size() != c.size() || string(head[:cacheHeader]) != string(c.settings.fingerprint()) {
		return c.begin(file)
	}
	for i := range c.sums {
		c.sums[i].Store(binary.LittleEndian.Uint32(head[cacheHeader+sumBytes*i:]))
	}
	return nil
}

// begin empties the file. The fingerprint comes last: without it the next to
// open it begins again.
func (c *Cache) begin(file *os.File) error {
	if err := errors.Join(file.Truncate(0), file.Truncate(c.size())); err != nil {
		return err
	}
	_, err := file.WriteAt(c.settings.fingerprint(), 0)
	return err
}

// Has reports whether an item is kept. It may be called at the same time as
// anything else.
func (c *Cache) Has(item int) bool { return item < len(c.sums) && c.sums[item].Load() != 0 }

// Take fills in the values of an item: those that are kept, or else what
// compute gives, which is kept from then on.
func (c *Cache) Take(ctx context.Context, item int, values []float32, compute func(context.Context) ([]float32, error)) error {
	if len(values) != c.settings.Values || item < 0 || item >= c.settings.Items {
		return fmt.Errorf("item %d with %d values is asked of a cache of %d items with %d", item, len(values), c.settings.Items, c.settings.Values)
	}
	if c.load(item) {
		c.decode(values)
		return nil
	}
	computed, err := compute(ctx)
	if err != nil {
		return err
	}
	if len(computed) != len(values) {
		return fmt.Errorf("item %d has %d values where %d enter a step", item, len(computed), len(values))
	}
	if err := c.encode(computed); err != nil {
		return err
	}
	c.decode(values)
	c.save(item)
	return nil
}

// load reads the record of an item, if it is there and whole.
func (c *Cache) load(item int) bool {
	if !c.Has(item) {
		return false
	}
	if _, err := c.store.ReadAt(c.record, c.place(item)); err == nil && c.sum(item) == c.sums[item].Load() {
		return true
	}
	c.sums[item].Store(0)
	return false
}

// save writes the record of an item, then its checksum. A full disk costs time, but
// not the run.
func (c *Cache) save(item int) {
	if item >= len(c.sums) || c.failed != nil {
		return
	}
	sum := c.sum(item)
	if _, c.failed = c.store.WriteAt(c.record, c.place(item)); c.failed != nil {
		return
	}
	at := int64(cacheHeader + sumBytes*item)
	if _, c.failed = c.store.WriteAt(binary.LittleEndian.AppendUint32(nil, sum), at); c.failed == nil {
		c.sums[item].Store(sum)
	}
}

// Failed returns why nothing more is kept; nil where all is well.
func (c *Cache) Failed() error { return c.failed }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum is the checksum of the record in hand as that of an item, never 0.
func (c *Cache) sum(item int) uint32 {
	name := binary.LittleEndian.AppendUint64(nil, uint64(item))
	return max(1, crc32.Update(crc32.Checksum(name, castagnoli), castagnoli, c.record))
}

func (c *Cache) encode(values []float32) error {
	for i, value := range values {
		if !c.settings.Half {
			binary.LittleEndian.PutUint32(c.record[4*i:], math.Float32bits(value))
			continue
		}
		rounded := half.To(value)
		if math.IsInf(float64(half.From(rounded)), 0) {
			return fmt.Errorf("the value %v enters a step, which is beyond 16 bits: set cache.precision to float32", value)
		}
		binary.LittleEndian.PutUint16(c.record[2*i:], rounded)
	}
	return nil
}

func (c *Cache) decode(values []float32) {
	for i := range values {
		if c.settings.Half {
			values[i] = half.From(binary.LittleEndian.Uint16(c.record[2*i:]))
		} else {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(c.record[4*i:]))
		}
	}
}

// Close closes the file.
func (c *Cache) Close() error { return c.store.Close() }

// memory is a store that lasts as long as the process.
type memory []byte

func (m memory) ReadAt(to []byte, at int64) (int, error)    { return copy(to, m[at:]), nil }
func (m memory) WriteAt(from []byte, at int64) (int, error) { return copy(m[at:], from), nil }
func (m memory) Close() error                               { return nil }
