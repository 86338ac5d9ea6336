package main

import (
	"encoding/json"
	"errors"
	"strings"

	"polylens/encoder/hub"
)

type modelInfoCommand struct {
	Name string `arg:"" optional:"" placeholder:"NAME|DIR" help:"Model to describe (default: the one in use)."`
	JSON bool   `help:"Print one JSON object: what \"model list --json\" prints, with source, requested, date and files."`
}

// Help documents the command.
func (*modelInfoCommand) Help() string {
	return `Prints what a model is, from its config and weights, and where it comes from, from its manifest polylens.json.

Examples:

    polylens model info
    polylens model info google/siglip2-base-patch16-256 --json
    polylens model info ./my-finetuned-model

` + exitHelp
}

// modelDetails is what info prints.
type modelDetails struct {
	modelLine
	Source    string     `json:"source,omitempty"`
	Requested string     `json:"requested,omitempty"`
	Date      string     `json:"date,omitempty"`
	Files     []hub.File `json:"files"`
}

func (c *modelInfoCommand) Run(p *program) error {
	store, err := p.modelStore()
	if err != nil {
		return err
	}
	name := c.Name
	if name == "" {
		name = p.globals.Model
	}
	info, err := store.Describe(name)
	if err != nil {
		return err
	}
	details := modelDetails{modelLine: newModelLine(info), Files: info.Files}
	manifest, err := hub.ReadManifest(info.Dir)
	if err != nil && !errors.Is(err, hub.ErrNoManifest) {
		return err
	}
	if err == nil {
		details.Source, details.Requested, details.Date = manifest.Source, manifest.Requested, manifest.Date.Format("2006-01-02")
	}
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(details)
	}
	details.print(p)
	return nil
}

func (d modelDetails) print(p *program) {
	line := func(title, value string) {
		if value != "" && value != "-" {
			p.print("%-12s %s", title, value)
		}
	}
	p.print("%s", d.Name)
	line("state", d.state())
	line("folder", d.Dir)
	line("kind", d.Kind)
	line("dimension", number(d.Dimension))
	line("pixels", d.pixels())
	line("patches", number(d.Patches))
	line("parameters", d.parameters())
	line("languages", strings.Join(d.Languages, ", "))
	line("licence", d.Licence)
	line("source", d.Source)
	line("revision", d.Revision)
	line("requested", d.Requested)
	line("pulled", d.Date)
	line("fingerprint", d.Fingerprint)
	for _, file := range d.Files {
		p.print("%12s  %s", size(file.Bytes), file.Name)
	}
}
