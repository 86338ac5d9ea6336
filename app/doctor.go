package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"polylens/app/setup"
)

type doctorCommand struct {
	JSON bool `help:"Print one JSON object a line: check, state, detail, remedy."`
}

// Help documents the command.
func (*doctorCommand) Help() string {
	return `Checks everything that Polylens stands on and says what to do where something is wrong. It repairs nothing and ` +
		`starts no server; a data folder that is new gets the built-in model.

Examples:

    polylens doctor
    polylens doctor --json

With --json, one object a line; state is ok, warning or problem. Without a problem the exit code is 0.

` + exitHelp
}

// States of a finding.
const (
	stateOK      = "ok"
	stateWarning = "warning"
	stateProblem = "problem"
)

// finding is what one check found.
type finding struct {
	Check  string `json:"check"`
	State  string `json:"state"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`

	cause error // of a problem
}

func good(check, format string, arguments ...any) finding {
	return finding{Check: check, State: stateOK, Detail: fmt.Sprintf(format, arguments...)}
}

func warning(check, remedy, format string, arguments ...any) finding {
	return finding{Check: check, State: stateWarning, Remedy: remedy, Detail: fmt.Sprintf(format, arguments...)}
}

func trouble(check, remedy string, cause error) finding {
	return finding{Check: check, State: stateProblem, Remedy: remedy, Detail: cause.Error(), cause: cause}
}

func (c *doctorCommand) Run(ctx context.Context, p *program) error {
	checks := []func(context.Context, *program) []finding{
		checkItems, checkRuntime, checkDevices, checkModel, checkThreads, checkMilvus, checkIsolation, checkData, checkCatalogue, checkDisk,
		checkMemory, checkProcessor, checkInt8,
	}
	var problems []error
	for _, check := range checks {
		for _, found := range check(ctx, p) {
			if found.cause != nil {
				problems = append(problems, found.cause)
			}
			if err := c.print(p, found); err != nil {
				return err
			}
		}
	}
	if len(problems) == 0 {
		return nil
	}
	err := fmt.Errorf("the doctor found problems: %d", len(problems))
	if joined := errors.Join(problems...); errors.Is(joined, setup.ErrMissing) || errors.Is(joined, setup.ErrUnsupported) {
		err = quiet{err, joined}
	}
	return err
}

// quiet carries the kind of its cause but not its words.
type quiet struct {
	error
	cause error
}

func (q quiet) Unwrap() error { return q.cause }

func (c *doctorCommand) print(p *program, found finding) error {
	if c.JSON {
		encoder := json.NewEncoder(p.terminal.out)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(found)
	}
	_, err := fmt.Fprintf(p.terminal.out, "%-8s %-12s %s\n", found.State, found.Check, found.Detail)
	if found.Remedy != "" && err == nil {
		_, err = fmt.Fprintf(p.terminal.out, "%-8s %-12s → %s\n", "", "", found.Remedy)
	}
	return err
}
