// Package fetch gets the bytes of pictures that others name by URL: http, https and
// data. It trusts neither the URL nor what answers.
//
// Where it goes (address.go, guard.go): to public addresses on ports 80 and 443 only,
// unless Options.Allow and Options.Ports say otherwise. A URL has no user name, and its
// host is a name, or an address in the usual notation. What a name leads to is judged
// at the moment of the connection, so that no answer of a name server and no redirect
// reaches the network that Polylens runs in. There are no cookies, no credentials, no
// Referer and no proxy, whatever the environment says.
//
// What it takes (body.go): bytes up to a limit, from a budget of memory that all
// fetches share, sent without encoding, at a least rate and within a deadline. A web
// page in place of a picture is refused by its first bytes; everything else is for the
// decoder to judge.
//
// How it behaves (host.go, retry.go): a host gets so many requests a second and so many
// at once. What may pass is tried again, later each time, or when the host says
// (Retry-After). A host that fails again and again is left alone for a while, so that
// many URLs of a dead host fail quickly and say why.
//
// It is no crawler: it fetches what users name, as a browser does, and reads no
// robots.txt. Its User-Agent says that it is Polylens. It stores nothing, follows no
// links in pages and decodes no picture.
package fetch
