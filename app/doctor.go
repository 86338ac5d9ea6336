package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"polylens/app/doctor"
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

With --json, one object a line; state is ok, note, warning or problem. Without a problem the exit code is 0.

` + exitHelp
}

func (c *doctorCommand) Run(ctx context.Context, p *program) error {
	var problems []error
	for found := range p.doctor().Examine(ctx) {
		if ctx.Err() != nil { // what is found now may be due to that
			return ctx.Err()
		}
		if found.Cause != nil {
			problems = append(problems, found.Cause)
		}
		if err := c.print(p, found); err != nil {
			return err
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

// doctor returns the doctor for the flags of the command line.
func (p *program) doctor() *doctor.Doctor {
	d := &doctor.Doctor{
		Setup: p.setup("", nil), Data: p.globals.Data, Catalogue: p.globals.catalogueAt(), Cache: p.globals.Cache, Model: p.globals.Model, FindModel: p.findModel,
		Threads: p.globals.Threads, Precision: p.globals.Precision, Device: p.globals.Device, Milvus: p.globals.milvusAddress(), ExposeMilvus: p.globals.Expose,
		InsecureMilvus: p.globals.InsecureMilvus,
	}
	d.Connect = func(ctx context.Context) error {
		const acceptHoles = true // they are told of below
		index, err := p.openIndexElsewhere(ctx, acceptHoles)
		if err != nil {
			return err
		}
		if err := index.Ready(ctx); err != nil {
			return err
		}
		return index.CheckHoles(ctx)
	}
	return d
}

// quiet has the kind of its cause, but not its words.
type quiet struct {
	error
	cause error
}

func (q quiet) Unwrap() error { return q.cause }

func (c *doctorCommand) print(p *program, found doctor.Finding) error {
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
