package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"polylens/indexer/catalog"
	"polylens/web"
)

type keyCommand struct {
	Create keyCreateCommand `cmd:"" help:"Make an API key."`
	List   keyListCommand   `cmd:"" help:"List the API keys."`
	Revoke keyRevokeCommand `cmd:"" help:"Revoke an API key."`
	Token  keyTokenCommand  `cmd:"" help:"Sign a token that finds only what a filter lets through."`
}

type keyCreateCommand struct {
	Name       string   `arg:"" placeholder:"NAME" help:"What the key is for, such as \"photo frame\"."`
	Scope      []string `required:"" placeholder:"SCOPE" enum:"${scopes}" help:"What it may do: search, index, train, or admin for all of these and keys; several are separated by commas."`
	Collection []string `placeholder:"NAME" help:"The only collections that it is for; several are separated by commas (default: all)."`
	Expires    string   `placeholder:"WHEN" help:"When it ends: after a time such as 12h or 90d, or on a day such as 2027-01-31 (default: never)."`
	Rate       float64  `placeholder:"N" help:"Requests a second that it may make in the long run (default: what serve --key-rate says)."`
	Burst      int      `placeholder:"N" help:"Requests that it may make at once, with --rate (default: those of one second)."`
	JSON       bool     `help:"Print one JSON object, as the API returns it: key, secret."`
}

// Help documents the command.
func (*keyCreateCommand) Help() string {
	return `Makes a key for programs and pages elsewhere, which send it as "Authorization: Bearer KEY", and prints it. It is shown this ` +
		`once: Polylens keeps only a hash of it.

Examples:

    polylens key create "photo frame" --scope search --collection holiday
    polylens key create importer --scope index,search --expires 90d
    polylens key create administrator --scope admin

` + exitHelp
}

func (c *keyCreateCommand) Run(ctx context.Context, p *program) error {
	order, err := c.order(time.Now())
	if err != nil {
		return usageError{err}
	}
	api, _, err := p.catalogueAPI(ctx, "key create")
	if err != nil {
		return err
	}
	made, err := api.CreateKey(ctx, order)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(made)
	}
	p.print("%s", made.Secret)
	_, err = fmt.Fprintf(p.terminal.err, "This is the only time that the key is shown. Its ID is %s: “polylens key revoke %s” ends it.\n", made.Key.ID, made.Key.ID)
	return err
}

func (c *keyCreateCommand) order(now time.Time) (web.KeyOrder, error) {
	order := web.KeyOrder{Name: c.Name, Collections: c.Collection}
	for _, scope := range c.Scope {
		order.Scopes = append(order.Scopes, catalog.Scope(scope))
	}
	if c.Burst != 0 && c.Rate == 0 {
		return order, errors.New("--burst belongs to --rate")
	}
	if c.Rate != 0 {
		order.Rate = &web.KeyRate{PerSecond: c.Rate, Burst: c.Burst}
	}
	if c.Expires == "" {
		return order, nil
	}
	ends, err := momentAfter(now, c.Expires)
	order.Expires = &ends
	return order, err
}

// momentAfter reads a time from now on, a day in local time, or a moment.
func momentAfter(now time.Time, text string) (time.Time, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.AddDate(0, 0, int(n)), nil
		}
	}
	if length, err := time.ParseDuration(text); err == nil {
		return now.Add(length), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if moment, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return moment, nil
		}
	}
	return time.Time{}, fmt.Errorf("--expires %q: want a time such as 12h or 90d, a day such as 2027-01-31, or a moment such as 2027-01-31T18:00:00Z", text)
}

type keyListCommand struct {
	JSON bool `help:"Print one JSON object a line, as the API returns it."`
}

// Help documents the command.
func (*keyListCommand) Help() string {
	return `Lists the keys, also those that are expired or revoked: what each is for, and when it was last used. Nothing shows a key itself.

Examples:

    polylens key list
    polylens key list --json

` + exitHelp
}

func (c *keyListCommand) Run(ctx context.Context, p *program) error {
	api, _, err := p.catalogueAPI(ctx, "key list")
	if err != nil {
		return err
	}
	keys, err := api.Keys(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printLines(p.terminal.out, keys)
	}
	table := p.table()
	fmt.Fprintln(table, "ID\tNAME\tSTATE\tSCOPES\tCOLLECTIONS\tEXPIRES\tLAST USED")
	for _, key := range keys {
		collections := "all"
		if key.Collections != nil {
			collections = strings.Join(key.Collections, ",")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", key.ID, key.Name, key.State, strings.Join(catalog.ScopeNames(key.Scopes), ","), collections,
			whenText(key.Expires), whenText(key.Used))
	}
	return table.Flush()
}

func whenText(moment *time.Time) string {
	if moment == nil {
		return "never"
	}
	return timeText(*moment)
}

type keyRevokeCommand struct {
	ID   string `arg:"" placeholder:"ID" help:"ID of the key, as \"key list\" shows it."`
	JSON bool   `help:"Print the key as one JSON object, as the API returns it."`
}

// Help documents the command.
func (*keyRevokeCommand) Help() string {
	return `Revokes a key for good: from now on it is refused, and so are the pages that signed in with it and the tokens that were signed ` +
		`with it. Keys that it has made stay.

Examples:

    polylens key revoke h2v6x3k7q4ma

` + exitHelp
}

func (c *keyRevokeCommand) Run(ctx context.Context, p *program) error {
	if _, isKey := catalog.KeyIDOf(c.ID); isKey {
		return usageError{errors.New("this is the key itself, which belongs on no command line: revoke it by its ID, the twelve letters and digits after polylens_")}
	}
	api, _, err := p.catalogueAPI(ctx, "key revoke")
	if err != nil {
		return err
	}
	key, err := api.RevokeKey(ctx, c.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(key)
	}
	p.print("%s (%s): revoked", key.ID, key.Name)
	return nil
}
