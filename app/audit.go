package main

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"golang.org/x/time/rate"

	"polylens/internal/rotating"
)

// The audit log in the data folder: so many bytes, and so many full ones beside it.
const (
	auditName  = "audit.log"
	auditLimit = 16 << 20
	auditKept  = 8
)

// auditLog is where requests to the API are noted, one JSON object a line.
func (p *program) auditLog() *slog.Logger {
	file := rotating.New(filepath.Join(p.globals.Data, auditName), auditLimit, auditKept)
	p.later(func(context.Context) error { return file.Close() })
	return slog.New(slog.NewJSONHandler(newReported(file, p.log), nil))
}

// reported says in the ordinary log, now and then, that the audit log cannot be written:
// searches go on while the disk is full.
type reported struct {
	file io.Writer
	log  *slog.Logger
	rare rate.Sometimes
}

// Write implements io.Writer.
func (r *reported) Write(line []byte) (int, error) {
	n, err := r.file.Write(line)
	if err != nil {
		r.rare.Do(func() { r.log.Error("the audit log cannot be written, and lacks what happens now", "error", err) })
	}
	return n, err
}

func newReported(file io.Writer, log *slog.Logger) *reported {
	return &reported{file: file, log: log, rare: rate.Sometimes{First: 1, Interval: time.Minute}}
}
