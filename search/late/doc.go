// Package late is a search.Index whose server is still starting: whoever needs
// an index is given one at once, and can use it once the server is up. It starts
// nothing itself and knows no server.
package late
