// Package webtest helps to test what package web serves: a small library of
// drawn pictures behind in-memory parts, and a real browser.
package webtest
