// Package late is a search.Index whose server is still starting: whoever needs an
// index gets one at once, and can use it once the server is up. It starts nothing
// itself and knows no server. Patiently waits for a server that has started but not
// yet loaded its collections.
package late
