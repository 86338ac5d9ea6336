// Package doctor checks everything that Polylens stands on and says what to do
// where something is wrong.
//
// It repairs nothing and starts no server. How findings are shown, and which exit
// code they mean, is for the command.
package doctor
