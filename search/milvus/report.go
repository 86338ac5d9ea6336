package milvus

import (
	"errors"
	"syscall"
)

// keeperReport is the first and only word of a child.
type keeperReport struct {
	PID    int           `json:",omitempty"` // of Milvus
	Error  string        `json:",omitempty"`
	Number syscall.Errno `json:",omitempty"` // of the error, if it is one of the system
	// Unguarded: the error is errUnguarded.
	Unguarded bool `json:",omitempty"`
}

// errUnguarded says that a cage that the system allowed keeps nobody away.
var errUnguarded = errors.New("strangers get through")

// reportOf is the report of a child that has failed.
func reportOf(err error) keeperReport {
	report := keeperReport{Error: err.Error(), Unguarded: errors.Is(err, errUnguarded)}
	errors.As(err, &report.Number)
	return report
}

// err is the error that the report tells of, nil if it tells of none.
func (r keeperReport) err() error {
	if r.Error == "" {
		return nil
	}
	return &reportedError{r}
}

// reportedError is an error of a child: its words, and what it is.
type reportedError struct{ report keeperReport }

func (e *reportedError) Error() string { return e.report.Error }

func (e *reportedError) Unwrap() error {
	if e.report.Unguarded {
		return errUnguarded
	}
	if e.report.Number == 0 {
		return nil
	}
	return e.report.Number
}
