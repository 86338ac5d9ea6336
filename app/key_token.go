package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"polylens/web"
)

type keyTokenCommand struct {
	Filter     string   `required:"" placeholder:"JSON" help:"What the token lets its bearer see, as in a search: {\"field\":\"owner\",\"eq\":\"anna\"}."`
	Collection []string `placeholder:"NAME" help:"The only collections that it is for; several are separated by commas (default: those of the key)."`
	Expires    string   `default:"1h" placeholder:"WHEN" help:"When it ends: after a time such as 12h or 90d, or on a day (default: ${default})."`
}

// Help documents the command.
func (*keyTokenCommand) Help() string {
	return `Prints a token with which somebody else, such as a visitor of your own site, searches only within a filter: a JWT (HS256), sent ` +
		`as "Authorization: Bearer TOKEN". It needs no server and is kept nowhere; it ends when it says so, and with its key.

Examples:

    polylens key token --filter '{"field":"owner","eq":"anna"}' --collection holiday --expires 15m

` + exitHelp
}

func (c *keyTokenCommand) Run(_ context.Context, p *program) error {
	if p.globals.Key == "" {
		return usageError{errors.New("give the key to sign with in POLYLENS_KEY, or with --key")}
	}
	ends, err := momentAfter(time.Now(), c.Expires)
	if err != nil {
		return usageError{err}
	}
	if !ends.After(time.Now()) {
		return usageError{fmt.Errorf("--expires %s: the token would have ended already", c.Expires)}
	}
	token, err := web.SignToken(p.globals.Key, []byte(c.Filter), c.Collection, ends)
	if err != nil {
		return err
	}
	p.print("%s", token)
	return nil
}
