// Package webtest helps to test what package web serves: a small library of drawn
// pictures with everything in memory, and a real browser.
package webtest
