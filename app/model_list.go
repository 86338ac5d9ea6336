package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"polylens/encoder/hub"
)

// hubHelp names the variables that decide where models are looked for.
const hubHelp = `The usual variables of the hub apply: HF_TOKEN (or the token that "hf auth login" keeps), HF_ENDPOINT for a mirror, ` +
	`HF_HUB_CACHE or HF_HOME for the cache, HF_HUB_OFFLINE, and HTTPS_PROXY, HTTP_PROXY and NO_PROXY.`

type modelListCommand struct {
	JSON bool `help:"Print one JSON object a line: name, dir, kind, dimension, image_size, patches, parameters, bytes, languages, licence, revision, base, cached, fingerprint, problem."`
}

// Help documents the command.
func (*modelListCommand) Help() string {
	return `Lists the built-in model, those below "models" in the data folder, and those in the Hugging Face cache that ` +
		`Polylens can use where they are. Any other directory in the Hugging Face layout (config.json, model.safetensors, ` +
		`tokenizer.json, preprocessor_config.json) can be named with --model DIR.

Examples:

    polylens model list
    polylens model list --json

` + hubHelp + "\n\n" + exitHelp
}

// modelLine is one model for people and programs.
type modelLine struct {
	Name        string   `json:"name"`
	Dir         string   `json:"dir"`
	Kind        string   `json:"kind"`
	Dimension   int      `json:"dimension"`
	ImageSize   int      `json:"image_size,omitempty"`
	Patches     int      `json:"patches,omitempty"`
	Parameters  int64    `json:"parameters"`
	Bytes       int64    `json:"bytes"`
	Languages   []string `json:"languages,omitempty"`
	Licence     string   `json:"licence,omitempty"`
	Revision    string   `json:"revision,omitempty"`
	Base        string   `json:"base,omitempty"`   // of an adapter
	Cached      bool     `json:"cached,omitempty"` // in the Hugging Face cache
	Fingerprint string   `json:"fingerprint,omitempty"`
	Problem     string   `json:"problem,omitempty"`
}

func (c *modelListCommand) Run(p *program) error {
	store, err := p.modelStore()
	if err != nil {
		return err
	}
	models, err := store.List()
	if err != nil {
		return err
	}
	table := p.table()
	if !c.JSON {
		fmt.Fprintln(table, "NAME\tKIND\tDIMENSION\tPIXELS\tPARAMETERS\tSIZE\tREVISION\tLICENCE\tSTATE")
	}
	for _, info := range models {
		line := newModelLine(info)
		if c.JSON {
			err = json.NewEncoder(p.terminal.out).Encode(line)
		} else {
			err = line.print(table)
		}
		if err != nil {
			return err
		}
	}
	return table.Flush()
}

func newModelLine(info hub.Info) modelLine {
	line := modelLine{
		Name: info.Name, Dir: info.Dir, Kind: info.Kind, Dimension: info.Dimension, ImageSize: info.ImageSize,
		Patches: info.Patches, Parameters: info.Parameters, Bytes: info.Bytes, Languages: info.Languages,
		Licence: info.Licence, Revision: info.Revision, Base: info.Base, Cached: info.Cached, Problem: info.Problem,
	}
	if line.Problem != "" {
		return line
	}
	fingerprint, err := hub.Fingerprint(info.Dir)
	if err != nil {
		line.Problem = err.Error()
	}
	line.Fingerprint = fingerprint
	return line
}

func (l modelLine) print(table *tabwriter.Writer) error {
	_, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%.12s\t%s\t%s\n",
		l.Name, orDash(l.Kind), number(l.Dimension), l.pixels(), l.parameters(), size(l.Bytes), orDash(l.Revision), orDash(l.Licence), l.state())
	return err
}

func (l modelLine) state() string {
	switch {
	case l.Problem != "":
		return strings.Join(strings.Fields(l.Problem), " ")
	case l.Base != "":
		return "usable with " + l.Base
	case l.Cached:
		return "usable, in the Hugging Face cache"
	}
	return "usable"
}

// pixels is the size of the pictures that the model sees.
func (l modelLine) pixels() string {
	if l.Patches > 0 {
		return "native"
	}
	return number(l.ImageSize)
}

func (l modelLine) parameters() string {
	if l.Parameters == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f M", float64(l.Parameters)/1e6)
}
