package milvus

import (
	"errors"
	"strings"
	"testing"

	"polylens/search/searchtest"
)

// TestVersionsWithHoles: which versions of Milvus let strangers in.
func TestVersionsWithHoles(t *testing.T) {
	const header, metrics, unknown = "CVE-2025-64513", "CVE-2026-26190", "nobody can tell"
	for version, want := range map[string][]string{
		"1.1.1":                      {header, metrics},
		"v2.0.0":                     {header, metrics},
		"v2.3.5":                     {header, metrics},
		"2.3.999":                    {header, metrics},
		"v2.4.23":                    {header, metrics},
		"2.4.24":                     {metrics},
		"v2.4.99":                    {metrics}, // that line was never mended
		"v2.5.0":                     {header, metrics},
		"v2.5.20":                    {header, metrics},
		"v2.5.21-rc.1":               {header, metrics}, // made before the version was
		"v2.5.21":                    {metrics},
		"v2.5.26":                    {metrics},
		"v2.5.27":                    nil,
		"v2.5.100":                   nil,
		"v2.6.0":                     {header, metrics},
		"v2.6.4":                     {header, metrics},
		"v2.6.5":                     {metrics},
		"v2.6.9":                     {metrics},
		"v2.6.10-dev":                {metrics},
		"2.6.10":                     nil,
		"v2.6.11":                    nil,
		"v2.7.0":                     nil,
		"v3.0.0":                     nil,
		"":                           {unknown},
		"v":                          {unknown},
		"vv2.6.11":                   {unknown},
		"v2.6":                       {unknown},
		"2.6-20260301-abcdef":        {unknown},
		"master-20260301-abcdef":     {unknown},
		"v2.6.11\nv2.6.11":           {unknown},
		"02.6.11":                    {unknown},
		" v2.6.11":                   {unknown},
		strings.Repeat("9", 1000):    {unknown},
		"v2.6.11+other":              {unknown},
		"Compatible with Milvus 2.6": {unknown},
	} {
		err := checkVersion(version)
		if (err != nil) != (len(want) > 0) || err != nil && !errors.Is(err, ErrInsecure) {
			t.Errorf("%.40q: %v, want %v", version, err, want)
		}
		for _, word := range []string{header, metrics, unknown} {
			if named, wanted := err != nil && strings.Contains(err.Error(), word), strings.Contains(strings.Join(want, " "), word); named != wanted {
				t.Errorf("%.40q: %v, want %v", version, err, want)
			}
		}
	}
}

// TestForeignServerWithHoles: the version of the embedded Milvus has known holes. It is
// refused where it is reached like any other, and accepted by who says so.
func TestForeignServerWithHoles(t *testing.T) {
	needServer(t)
	foreign := Config{Address: searchtest.Relay(t, shared.Dial).Address}
	index, err := Connect(t.Context(), foreign)
	if !errors.Is(err, ErrInsecure) || index != nil || !strings.Contains(err.Error(), "CVE-2025-64513") ||
		!strings.Contains(err.Error(), "2.3.5") || !strings.Contains(err.Error(), "--insecure-milvus") {
		t.Errorf("a foreign server with holes: %v", err)
	}
	foreign.AcceptHoles = true
	index, err = Connect(t.Context(), foreign)
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	if err := index.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	if err := index.CheckHoles(t.Context()); !errors.Is(err, ErrInsecure) {
		t.Errorf("an accepted server is said to be safe: %v", err)
	}
}
