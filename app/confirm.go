package main

import (
	"bufio"
	"fmt"
	"strings"
)

// confirm asks whether something may be removed. Any answer but yes is an error.
func (p *program) confirm(question, name string) error {
	fmt.Fprintf(p.terminal.err, "%s [y/N] ", question)
	answer, err := bufio.NewReader(p.terminal.in).ReadString('\n')
	if err != nil {
		fmt.Fprintln(p.terminal.err) // there was no answer that ended the line
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return fmt.Errorf("%s is kept: the answer was not yes; use --yes where nobody can answer", name)
}
