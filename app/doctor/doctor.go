package doctor

import (
	"context"
	"fmt"
	"iter"

	"polylens/app/setup"
)

// Doctor names what the program works with, and checks it.
type Doctor struct {
	Setup     *setup.Setup
	Data      string // folder of the catalogue, the vectors and the models
	Catalogue string // as database.Open takes it
	Cache     string // folder of what setup fetches
	Model     string // the model in use: its name or its path
	FindModel func(name string) (dir string, err error)
	Threads   int    // that are asked for; 0 for none
	Precision string // that is asked for; empty for none
	Device    string // that is asked for; empty for none
	Milvus    string // address of the server that runs elsewhere; empty: the embedded one
	// ExposeMilvus accepts that the embedded one may be reached from the network.
	ExposeMilvus bool
	// InsecureMilvus accepts that the one that runs elsewhere lets strangers in.
	InsecureMilvus bool
	// Connect reports whether the Milvus that runs elsewhere answers, and whether it lets
	// strangers in (milvus.ErrInsecure), accepted or not.
	Connect func(ctx context.Context) error
}

// States of a finding.
const (
	OK      = "ok"
	Note    = "note" // what is not to be had here, and not asked for
	Warning = "warning"
	Problem = "problem"
)

// Finding is what one check found.
type Finding struct {
	Check  string `json:"check"`
	State  string `json:"state"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`
	Cause  error  `json:"-"` // of a problem
}

func good(check, format string, arguments ...any) Finding {
	return Finding{Check: check, State: OK, Detail: fmt.Sprintf(format, arguments...)}
}

func note(check, format string, arguments ...any) Finding {
	return Finding{Check: check, State: Note, Detail: fmt.Sprintf(format, arguments...)}
}

func warning(check, remedy, format string, arguments ...any) Finding {
	return Finding{Check: check, State: Warning, Remedy: remedy, Detail: fmt.Sprintf(format, arguments...)}
}

func trouble(check, remedy string, cause error) Finding {
	return Finding{Check: check, State: Problem, Remedy: remedy, Detail: cause.Error(), Cause: cause}
}

// Examine makes all checks, one after the other, and yields what each finds as soon
// as it is done.
func (d *Doctor) Examine(ctx context.Context) iter.Seq[Finding] {
	checks := []func(context.Context) []Finding{
		d.checkItems, d.checkRuntime, d.checkDevices, d.checkModel, d.checkThreads, d.checkMilvus, d.checkIsolation, d.checkData, d.checkCatalogue, d.checkAside, d.checkDisk,
		checkMemory, checkOpenFiles, checkProcessor, d.checkInt8,
	}
	return func(yield func(Finding) bool) {
		for _, check := range checks {
			for _, found := range check(ctx) {
				if !yield(found) {
					return
				}
			}
		}
	}
}
