package fetch

import (
	"cmp"
	"crypto/x509"
	"errors"
	"net"
	"time"

	"golang.org/x/sync/semaphore"
)

// Options say how pictures are fetched. A zero field has the default.
type Options struct {
	MaxBytes int64 // of one picture; default 64 MiB
	// Memory is the budget that Result.Data is taken from, in bytes, until
	// Result.Release. It must hold MemoryOf(MaxBytes) at least, since a server need not
	// say how long its picture is. It is required.
	Memory *semaphore.Weighted

	// Allow are the addresses ("10.1.2.3"), prefixes ("10.0.0.0/8") and names of hosts
	// ("files.internal") that are fetched from although they are not public. A name is
	// allowed wherever it leads.
	Allow []string
	Ports []uint16 // that may be named; default 80 and 443
	// RootCAs are who vouches for servers; default those of the system.
	RootCAs  *x509.CertPool
	Resolver *net.Resolver // of names; default that of the system

	Connect   time.Duration // to find and reach a server, and again for TLS; default 10 s
	Headers   time.Duration // until a server begins to answer; default 20 s
	Body      time.Duration // until it has answered; default 2 min
	LeastRate int64         // bytes a second that it sends at least, over RateSpan; default 1 KiB
	RateSpan  time.Duration // default 10 s

	Concurrent     int     // requests at once; default 32
	HostConcurrent int     // requests at once to one host; default 4
	HostRate       float64 // requests a second to one host; default 20

	Attempts  int           // at one picture; default 4
	FirstWait time.Duration // before the second attempt, twice that before the third; default 500 ms
	MaxWait   time.Duration // that a host may ask for (Retry-After); default 1 min

	RestAfter int           // failures of a host in a row; default 5
	Rest      time.Duration // of a failing host, twice that if it goes on failing; default 30 s
	MaxRest   time.Duration // default 10 min

	Version string // of Polylens, for the User-Agent; default "devel"
	Names   Names
}

// Names is what the user calls the options, such as "--fetch-allow". A message names no
// option whose name is empty.
type Names struct{ Allow, Ports, MaxBytes string }

// MemoryOf is what fetching one picture of at most so many bytes takes at worst: while
// a buffer grows, half of it is there twice.
func MemoryOf(maxBytes int64) int64 { return maxBytes + maxBytes/2 }

func (o Options) withDefaults() Options {
	o.MaxBytes = cmp.Or(o.MaxBytes, 64<<20)
	if o.Ports == nil {
		o.Ports = []uint16{80, 443}
	}
	o.Connect, o.Headers, o.Body = cmp.Or(o.Connect, 10*time.Second), cmp.Or(o.Headers, 20*time.Second), cmp.Or(o.Body, 2*time.Minute)
	o.LeastRate, o.RateSpan = cmp.Or(o.LeastRate, 1<<10), cmp.Or(o.RateSpan, 10*time.Second)
	o.Concurrent, o.HostConcurrent, o.HostRate = cmp.Or(o.Concurrent, 32), cmp.Or(o.HostConcurrent, 4), cmp.Or(o.HostRate, 20)
	o.Attempts, o.FirstWait, o.MaxWait = cmp.Or(o.Attempts, 4), cmp.Or(o.FirstWait, 500*time.Millisecond), cmp.Or(o.MaxWait, time.Minute)
	o.RestAfter, o.Rest, o.MaxRest = cmp.Or(o.RestAfter, 5), cmp.Or(o.Rest, 30*time.Second), cmp.Or(o.MaxRest, 10*time.Minute)
	o.Version = cmp.Or(o.Version, "devel")
	return o
}

func (o Options) check() error {
	if o.Memory == nil {
		return errors.New("fetch: a budget of memory is required")
	}
	for _, n := range []float64{
		float64(o.MaxBytes), float64(o.Connect), float64(o.Headers), float64(o.Body), float64(o.LeastRate), float64(o.RateSpan),
		float64(o.Concurrent), float64(o.HostConcurrent), o.HostRate, float64(o.Attempts), float64(o.FirstWait), float64(o.MaxWait),
		float64(o.RestAfter), float64(o.Rest), float64(o.MaxRest),
	} {
		if !(n > 0) {
			return errors.New("fetch: limits, rates and times must be above zero")
		}
	}
	if o.MaxBytes > 1<<40 {
		return errors.New("fetch: a picture of more than 1 TiB cannot be fetched")
	}
	return nil
}
