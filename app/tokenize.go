package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"polylens/encoder/tokenizer"
	"polylens/internal/text"
)

type tokenizeCommand struct {
	JSON   bool `help:"Print one JSON object a line: text, ids."`
	Length int  `default:"64" help:"Pad and cut to this many tokens, as the model reads them (default: ${default})."`
}

// Help documents the command.
func (*tokenizeCommand) Help() string {
	return `Reads lines of text and prints the token ids that the model reads: lower-cased, ended by one <eos>, padded. ` +
		`Lines are taken as they are: search, embed and train leave out what cannot be seen before they ask the tokenizer.

Examples:

    echo "a red fish" | polylens tokenize --json
    polylens tokenize --model ./siglip2-base-patch16-224 < queries.txt

With --json, one object a line: {"text":"a red fish","ids":[...]}.

` + exitHelp
}

// maxLine bounds one line of text, in bytes.
const maxLine = 1 << 20

func (c *tokenizeCommand) Run(ctx context.Context, p *program) error {
	if c.Length < 1 || c.Length > 1<<16 {
		return usageError{fmt.Errorf("--length %d: want 1 to 65536", c.Length)}
	}
	dir, err := p.modelFolder()
	if err != nil {
		return err
	}
	tokens, err := tokenizer.Open(dir)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(p.terminal.in)
	lines.Buffer(nil, maxLine)
	out := bufio.NewWriter(p.terminal.out)
	number := 0
	for lines.Scan() && ctx.Err() == nil {
		number++
		if err := text.Check(lines.Text()); err != nil {
			return fmt.Errorf("standard input, line %d: %w", number, err)
		}
		if err := c.print(out, lines.Text(), tokens.Encode(lines.Text(), c.Length)); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return out.Flush()
}

func (c *tokenizeCommand) print(out *bufio.Writer, line string, ids []int64) error {
	if c.JSON {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(struct {
			Text string  `json:"text"`
			IDs  []int64 `json:"ids"`
		}{line, ids})
	}
	_, err := fmt.Fprintln(out, strings.Trim(fmt.Sprint(ids), "[]"))
	return err
}
