package jobs_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/catalog/database/databasetest"
	"polylens/indexer/jobs"
)

// BenchmarkQueue measures the cost of jobs that do nothing: ordered one by one or
// a hundred at once, and claimed, run and finished by a worker with 20 slots.
func BenchmarkQueue(b *testing.B) {
	for name, empty := range map[string]func(testing.TB) string{"sqlite": databasetest.SQLite, "postgres": databasetest.Postgres} {
		b.Run(name+"/enqueue", func(b *testing.B) { benchmarkEnqueue(b, benchmarkQueue(b, empty(b), succeed), 1) })
		b.Run(name+"/enqueue100", func(b *testing.B) { benchmarkEnqueue(b, benchmarkQueue(b, empty(b), succeed), 100) })
		b.Run(name+"/work", func(b *testing.B) { benchmarkWork(b, empty(b)) })
	}
}

func benchmarkQueue(b *testing.B, dsn string, handle jobs.Handler) *jobs.Queue {
	s, err := database.Open(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	queue, err := jobs.New(s.Jobs(nil), jobs.Kind{Name: "a", Handle: handle})
	if err != nil {
		b.Fatal(err)
	}
	return queue
}

func benchmarkEnqueue(b *testing.B, queue *jobs.Queue, together int) {
	orders := make([]jobs.Order, together)
	for i := range orders {
		orders[i] = jobs.Order{Kind: "a", Collection: fmt.Sprint("c", i%10), Params: i}
	}
	n := 0
	for b.Loop() {
		if _, err := queue.EnqueueAll(b.Context(), orders); err != nil {
			b.Fatal(err)
		}
		n += together
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "jobs/s")
}

func benchmarkWork(b *testing.B, dsn string) {
	queue := benchmarkQueue(b, dsn, func(context.Context, *jobs.Running) error { return nil })
	orders := make([]jobs.Order, b.N)
	for i := range orders {
		orders[i] = jobs.Order{Kind: "a", Collection: fmt.Sprint("c", i%10)}
	}
	if _, err := queue.EnqueueAll(b.Context(), orders); err != nil {
		b.Fatal(err)
	}
	worker := jobs.NewWorker(queue, jobs.Settings{Slots: 20})
	b.ResetTimer()
	worker.Start(b.Context())
	waiting := catalog.JobFilter{States: []catalog.JobState{catalog.JobQueued, catalog.JobRunning}, Limit: 1}
	for left := 1; left > 0; {
		found, err := queue.List(b.Context(), waiting)
		if err != nil {
			b.Fatal(err)
		}
		left = len(found)
		time.Sleep(time.Millisecond)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
	if err := worker.Stop(b.Context()); err != nil {
		b.Fatal(err)
	}
}
