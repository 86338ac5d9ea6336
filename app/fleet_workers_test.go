package main

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// fleetLines is how many lines the one push of TestFleetWorkers has, unless
// POLYLENS_FLEET_LINES says otherwise.
const (
	fleetLines         = 500
	fleetLinesVariable = "POLYLENS_FLEET_LINES"
)

// TestFleetWorkers: three workers share one push with the server, on Postgres, an object
// store and a Milvus elsewhere. One of them is killed every few seconds, connections to
// the object store are slow and cut, and Milvus is started anew; the push ends right.
func TestFleetWorkers(t *testing.T) {
	lines, seed := numberFrom(t, fleetLinesVariable, fleetLines), numberFrom(t, seedVariable, int(time.Now().UnixNano()>>10))
	t.Logf("%d lines of seed %d", lines, seed)
	f := startFleet(t, 3)
	random, d := rand.New(rand.NewPCG(uint64(seed), 21)), newDiary(uint64(seed))
	f.push(t, d, lines, lines/2)
	f.awaitChunk(t)
	began, kills, hits, cuts := time.Now(), 0, 0, 0
	for round := 0; f.unfinished(t) > 0; round++ {
		time.Sleep(time.Duration(1000+random.IntN(2000)) * time.Millisecond)
		if f.chunks(t) > 0 {
			hits++
		}
		if f.members[1+random.IntN(3)].signal(os.Kill) {
			kills++
		}
		switch round % 6 {
		case 0:
			f.storeWay.Slow(time.Duration(20+random.IntN(80)) * time.Millisecond)
		case 1:
			f.storeWay.Slow(0)
			f.storeWay.Drop()
			cuts++
		case 2:
			_ = f.killMilvus() // it may be starting after the last time
		}
		if time.Since(began) > time.Duration(lines)*time.Second/2 {
			t.Fatalf("the push does not end: %s", f.must(t, "/api/v1/jobs?limit=5"))
		}
	}
	f.storeWay.Slow(0)
	if kills < 2 {
		t.Errorf("only %d workers were killed", kills)
	}
	f.compare(t, d)
	t.Logf("seed %d: %d lines in %v, %d kills of workers, %d of them while a chunk was worked on, %d starts of Milvus, %d cuts of the object store",
		seed, lines, time.Since(began).Round(time.Second), kills, hits, f.milvus.Starts(), cuts)
}
