package color

import (
	"crypto/sha256"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2/simplelru"
)

// mostKept is how many conversions a Cache keeps. The largest, of CMYK, has half a
// megabyte.
const mostKept = 32

// Cache makes conversions and keeps the last ones. The zero value is ready; it is safe
// for concurrent use.
type Cache struct {
	mutex sync.Mutex
	kept  *lru.LRU[Source, func() (*Conversion, error)]
}

// Conversion returns nil where the picture is to be left as it is. The error says in
// what way the source cannot be used.
func (c *Cache) Conversion(s Source) (*Conversion, error) {
	if s == (Source{}) {
		return nil, nil
	}
	return c.find(s)()
}

// find does not make what is new while it holds the mutex.
func (c *Cache) find(s Source) func() (*Conversion, error) {
	key := s
	if s.Profile != "" { // and nothing else counts
		sum := sha256.Sum256([]byte(s.Profile))
		key = Source{Profile: string(sum[:])}
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.kept == nil {
		c.kept, _ = lru.NewLRU[Source, func() (*Conversion, error)](mostKept, nil) // fails for sizes below one
	}
	if known, ok := c.kept.Get(key); ok {
		return known
	}
	conversion := sync.OnceValues(func() (*Conversion, error) { return newConversion(s) })
	c.kept.Add(key, conversion)
	return conversion
}
