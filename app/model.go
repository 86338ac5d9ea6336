package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"polylens/encoder/hub"
)

type modelCommand struct {
	List modelListCommand `cmd:"" help:"List the models in the data folder."`
}

type modelListCommand struct {
	JSON bool `help:"Print one JSON object a line: name, dir, kind, dimension, image_size, parameters, bytes, fingerprint, problem."`
}

// Help documents the command.
func (*modelListCommand) Help() string {
	return `Lists the built-in model and those below "models" in the data folder. Any other directory in the Hugging Face ` +
		`layout (config.json, model.safetensors, tokenizer.json, preprocessor_config.json) can be named with --model DIR.

Examples:

    polylens model list
    polylens model list --json

` + exitHelp
}

// modelLine is one model for people and programs.
type modelLine struct {
	Name        string `json:"name"`
	Dir         string `json:"dir"`
	Kind        string `json:"kind"`
	Dimension   int    `json:"dimension"`
	ImageSize   int    `json:"image_size"`
	Parameters  int64  `json:"parameters"`
	Bytes       int64  `json:"bytes"`
	Fingerprint string `json:"fingerprint,omitempty"`
	Problem     string `json:"problem,omitempty"`
}

func (c *modelListCommand) Run(p *program) error {
	folder, err := p.modelsFolder()
	if err != nil {
		return err
	}
	models, err := hub.List(folder)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(p.terminal.out, 0, 0, 2, ' ', 0)
	if !c.JSON {
		fmt.Fprintln(table, "NAME\tDIMENSION\tPIXELS\tPARAMETERS\tSIZE\tSTATE")
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
	line := modelLine{Name: info.Name, Dir: info.Dir, Kind: info.Kind, Dimension: info.Dimension, ImageSize: info.ImageSize,
		Parameters: info.Parameters, Bytes: info.Bytes, Problem: info.Problem}
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
	state := "usable"
	if l.Problem != "" {
		state = l.Problem
	}
	_, err := fmt.Fprintf(table, "%s\t%d\t%d\t%.1f M\t%.1f MB\t%s\n",
		l.Name, l.Dimension, l.ImageSize, float64(l.Parameters)/1e6, float64(l.Bytes)/1e6, state)
	return err
}
