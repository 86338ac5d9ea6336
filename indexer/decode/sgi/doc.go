// Package sgi reads the pictures of Silicon Graphics: grey, grey with alpha, RGB and
// RGBA, of one or two bytes a channel, with run lengths or without.
package sgi
