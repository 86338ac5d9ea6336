// Package client is the API as Go calls, in the API's own types: for the command
// line, against a server elsewhere or a handler in this process. It decides
// nothing that the API does not say, and prints nothing.
package client
