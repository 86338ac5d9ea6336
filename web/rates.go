package web

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/danielgtaylor/huma/v2"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"polylens/indexer/catalog"
)

// Rate is how many requests one key may make.
type Rate struct {
	PerSecond float64
	Burst     int // at once
}

// DefaultRate is what a key may ask that names no other limit.
var DefaultRate = Rate{PerSecond: 200, Burst: 400}

// Wrong credentials that one address may show: a few, then one every few seconds.
const (
	maxWrong   = 20
	wrongEvery = 3 * time.Second
)

// maxCounted is how many keys, and how many addresses, are counted at a time.
const maxCounted = 10_000

// rates count requests by whoever makes them.
type rates struct {
	counted *lru.Cache[string, *counted]
}

// counted is what is remembered of a key or an address.
type counted struct {
	limiter  *rate.Limiter
	noting   rate.Sometimes // notes when the key was used
	refusing rate.Sometimes // audits that there are too many
}

func newRates() rates {
	cache, err := lru.New[string, *counted](maxCounted)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return rates{cache}
}

// of is what is remembered of somebody; a new one begins with the limit.
func (r rates) of(who string, limit Rate) *counted {
	if found, ok := r.counted.Get(who); ok {
		return found
	}
	fresh := &counted{
		limiter: rate.NewLimiter(rate.Limit(limit.PerSecond), limit.Burst),
		noting:  rate.Sometimes{Interval: time.Minute}, refusing: rate.Sometimes{Interval: time.Minute},
	}
	if earlier, ok, _ := r.counted.PeekOrAdd(who, fresh); ok {
		return earlier
	}
	return fresh
}

// take counts a request. It returns how long to wait when there are too many; then it is
// not counted.
func (c *counted) take(now time.Time) time.Duration {
	place := c.limiter.ReserveN(now, 1)
	wait := place.DelayFrom(now)
	if wait > 0 {
		place.CancelAt(now)
	}
	return wait
}

// rateOf is the limit of a key.
func (s *server) rateOf(key catalog.Key) Rate {
	if key.Rate > 0 {
		return Rate{key.Rate, key.Burst}
	}
	return s.Rate
}

// count lets a key make a request, or refuses it when there are too many of them. That is
// audited once in a while: refusals come at any rate, and would push out all else.
func (s *server) count(r *http.Request, who *rights) error {
	of := s.rates.of("key "+who.key.ID, s.rateOf(who.key))
	if wait := of.take(time.Now()); wait > 0 {
		of.refusing.Do(func() { s.audit(r, event{operation: "authenticate", status: http.StatusTooManyRequests, who: who}) })
		return tooMany("this key makes too many requests at a time", wait)
	}
	of.noting.Do(func() { s.noteUsed(who.key.ID) })
	return nil
}

// refusalOf is the answer to credentials that were not accepted. Who shows many wrong ones
// is told no more than that. What is no problem yet is the server's failure.
func (s *server) refusalOf(r *http.Request, err error) error {
	var wrong *huma.ErrorModel
	if !errors.As(err, &wrong) {
		return problemOf(r.Context(), s.Logger, err)
	}
	of := s.wrong.of(addressOf(r.RemoteAddr), Rate{PerSecond: float64(time.Second) / float64(wrongEvery), Burst: maxWrong})
	if wait := of.take(time.Now()); wait > 0 {
		return tooMany("too many wrong credentials have come from this address", wait)
	}
	s.audit(r, event{operation: "authenticate", status: wrong.Status, reason: wrong.Detail})
	return err
}

// addressOf is where a connection comes from: one machine, or a network of IPv6, of which
// one client has many addresses.
func addressOf(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return ""
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	if address = address.Unmap().WithZone(""); address.Is6() {
		network, _ := address.Prefix(64) // an IPv6 address has one
		return network.String()
	}
	return address.String()
}
