// Package doctor checks everything that Polylens stands on and says what to do
// where something is wrong.
//
// It repairs nothing and starts no server. The command decides how findings are
// shown and which exit code they mean.
package doctor
