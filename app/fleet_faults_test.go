package main

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"polylens/internal/relaytest"
)

// killsVariable is how many kills TestFleetFaults makes; by default a dozen.
const killsVariable = "POLYLENS_KILLS"

// fleetKills are how the processes of a fleet are killed, and started again if nobody else
// does that.
var fleetKills = map[string]func(f *fleet, random *rand.Rand) error{
	"server": func(f *fleet, _ *rand.Rand) error { return f.killMember(0) },
	"worker": func(f *fleet, random *rand.Rand) error { return f.killMember(1 + random.IntN(len(f.members)-1)) },
	"Milvus": func(f *fleet, _ *rand.Rand) error { return f.killMilvus() },
	"database": func(f *fleet, random *rand.Rand) error {
		signal := []syscall.Signal{syscall.SIGKILL, syscall.SIGQUIT}[random.IntN(2)]
		if err := f.postgres.Kill(signal); err != nil {
			return err
		}
		return f.postgres.Restart()
	},
}

var errNotThere = errors.New("it is not there")

// killMilvus kills it if it is well: killed again and again while it starts, it would never
// come to life.
func (f *fleet) killMilvus() error {
	pid := f.milvus.PID()
	if pid == 0 || !f.milvus.Healthy() {
		return errNotThere
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

func (f *fleet) killMember(n int) error {
	if !f.members[n].signal(os.Kill) {
		return errNotThere
	}
	return nil
}

// fleetTroubles are what happens to a fleet besides. Each returns what ends it.
var fleetTroubles = map[string]func(f *fleet, random *rand.Rand) (end func()){
	"slow": func(f *fleet, random *rand.Rand) func() {
		way := f.way(random)
		way.Slow(time.Duration(20+random.IntN(200)) * time.Millisecond)
		return func() { way.Slow(0) }
	},
	"dropped": func(f *fleet, random *rand.Rand) func() {
		f.way(random).Drop()
		return func() {}
	},
	"shut": func(f *fleet, random *rand.Rand) func() {
		way := f.way(random)
		way.Shut(true)
		return func() { way.Shut(false) }
	},
	"full": func(f *fleet, _ *rand.Rand) func() {
		f.full.Store(true)
		return func() { f.full.Store(false) }
	},
	"clock": func(f *fleet, random *rand.Rand) func() {
		_ = os.WriteFile(f.clock, []byte(strconv.Itoa(random.IntN(7200)-3600)), 0o600)
		return func() { _ = os.WriteFile(f.clock, []byte("0"), 0o600) }
	},
}

func (f *fleet) way(random *rand.Rand) *relaytest.Relay {
	return []*relaytest.Relay{f.databaseWay, f.milvusWay, f.storeWay}[random.IntN(3)]
}

// tally counts kills by kind, and those that hit a chunk that was being worked on.
type tally struct {
	mu       sync.Mutex
	kills    map[string]int
	troubles map[string]int
	hits     int
}

func (c *tally) total() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, count := range c.kills {
		n += count
	}
	return n
}

// TestFleetFaults kills the server, the workers, Milvus and the database at random moments
// while pushes are worked on, several at once, and makes connections slow, cuts them, fills
// the object store and sets the clock wrong. Afterwards every line of every push has its
// outcome, and there is what the lines leave: nothing lost, nothing twice, nothing left over.
func TestFleetFaults(t *testing.T) {
	count, seed := numberFrom(t, killsVariable, 12), numberFrom(t, seedVariable, int(time.Now().UnixNano()>>10))
	t.Logf("%d kills of seed %d", count, seed)
	f := startFleet(t, 2)
	began, d := time.Now(), newDiary(uint64(seed))
	random := rand.New(rand.NewPCG(uint64(seed), 20))
	c := &tally{kills: make(map[string]int), troubles: make(map[string]int)}
	for round := 0; c.total() < count; round++ {
		f.suffer(t, d, random, c)
		if t.Failed() {
			t.FailNow()
		}
		if round%10 == 9 {
			t.Logf("%v: %d kills", time.Since(began).Round(time.Second), c.total())
		}
	}
	f.settle(t, 3*time.Minute)
	f.compare(t, d)
	t.Logf("seed %d: %d kills in %v %v, %d of them while a chunk was worked on; troubles %v; %d pushes, %d images",
		seed, c.total(), time.Since(began).Round(time.Second), c.kills, c.hits, c.troubles, len(d.pushes), len(d.images))
}

// suffer is a round: there is work, some of the processes are killed at once or one after
// the other, and perhaps something else goes wrong meanwhile.
func (f *fleet) suffer(t *testing.T, d *diary, random *rand.Rand, c *tally) {
	t.Helper()
	for f.unfinished(t) < 2 {
		f.push(t, d, 60+random.IntN(120), 150)
	}
	f.awaitChunk(t)
	trouble := func() {}
	if random.IntN(3) == 0 {
		name := pick(random, fleetTroubles)
		trouble = fleetTroubles[name](f, random)
		c.troubles[name]++
	}
	time.Sleep(time.Duration(random.IntN(700)) * time.Millisecond)
	busy := f.chunks(t) > 0
	var killing sync.WaitGroup
	kinds := slices.Sorted(maps.Keys(fleetKills))
	for _, n := range random.Perm(len(kinds))[:1+random.IntN(len(kinds))] {
		own := rand.New(rand.NewPCG(random.Uint64(), 0)) // what is drawn must not depend on who is first
		killing.Go(func() {
			time.Sleep(time.Duration(own.IntN(300)) * time.Millisecond)
			c.kill(t, f, kinds[n], own, busy)
		})
	}
	killing.Wait()
	time.Sleep(time.Duration(random.IntN(1000)) * time.Millisecond)
	trouble()
	f.awaitProgress(t)
}

// awaitProgress waits for a while until another chunk is done: without that the same few
// would be begun again and again.
func (f *fleet) awaitProgress(t *testing.T) {
	t.Helper()
	const done = `SELECT COUNT(*) FROM job_chunks WHERE state = 'succeeded' AND $1::bigint > 0`
	before := f.count(t, done)
	for began := time.Now(); f.count(t, done) == before && time.Since(began) < 6*time.Second; {
		time.Sleep(100 * time.Millisecond)
	}
}

func (c *tally) kill(t *testing.T, f *fleet, kind string, random *rand.Rand, busy bool) {
	err := fleetKills[kind](f, random)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case errors.Is(err, errNotThere): // it is being started after the last time
	case err != nil:
		t.Errorf("kill of the %s: %v", kind, err)
	default:
		c.kills[kind]++
		if busy {
			c.hits++
		}
	}
}

func pick[V any](random *rand.Rand, from map[string]V) string {
	names := slices.Sorted(maps.Keys(from))
	return names[random.IntN(len(names))]
}

// awaitChunk waits for a while until somebody works on a chunk.
func (f *fleet) awaitChunk(t *testing.T) {
	t.Helper()
	for range 200 {
		if f.chunks(t) > 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// chunks counts those that somebody works on.
func (f *fleet) chunks(t *testing.T) int {
	t.Helper()
	return f.count(t, `SELECT COUNT(*) FROM job_chunks WHERE state = 'running' AND expires > $1`)
}

// count asks the database itself; $1 of the query is the time in milliseconds.
func (f *fleet) count(t *testing.T, query string) (count int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	db, err := sql.Open("pgx", f.postgres.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, query, time.Now().UnixMilli()).Scan(&count)
	if err != nil {
		t.Logf("cannot count chunks: %v", err)
	}
	return count
}
