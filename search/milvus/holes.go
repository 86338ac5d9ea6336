package milvus

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/semver"
)

// ErrInsecure is for a server that whoever reaches it can take over, whatever password it
// has.
var ErrInsecure = errors.New("this Milvus is not safe")

// InsecureRemedy is what can be done about ErrInsecure.
const InsecureRemedy = "upgrade it to Milvus 2.5.27, 2.6.10 or newer; or, if nobody but Polylens can reach any of its ports, accept it with --insecure-milvus"

// hole is a known way around the passwords of Milvus.
type hole struct {
	name, what string
	mended     []string // the first version without it of each line, oldest line first; older lines keep it
}

// holes are those that let a stranger in. Others, that need a login, are not our affair.
var holes = []hole{
	{"CVE-2025-64513", "a header of a request takes the place of the password", []string{"v2.4.24", "v2.5.21", "v2.6.5"}},
	{"CVE-2026-26190", "the port for metrics (9091) does whatever it is asked, without a password", []string{"v2.5.27", "v2.6.10"}},
}

// has reports whether a valid version has the hole. A line that is newer than all that
// were mended began without it.
func (h hole) has(version string) bool {
	for _, mended := range h.mended {
		if semver.MajorMinor(version) == semver.MajorMinor(mended) {
			return semver.Compare(version, mended) < 0
		}
	}
	return semver.Compare(version, h.mended[len(h.mended)-1]) < 0
}

// checkVersion is ErrInsecure, wrapped, for a version of Milvus with a known hole, and for
// one that cannot be told, such as a build from between two versions.
func checkVersion(version string) error {
	canonical := "v" + strings.TrimPrefix(version, "v")
	if !semver.IsValid(canonical) || semver.Canonical(canonical) != canonical {
		return fmt.Errorf("%w: it calls its version %.80q, of which nobody can tell whether it has known holes", ErrInsecure, version)
	}
	var found []string
	for _, hole := range holes {
		if hole.has(canonical) {
			found = append(found, fmt.Sprintf("%s (%s)", hole.name, hole.what))
		}
	}
	if len(found) == 0 {
		return nil
	}
	return fmt.Errorf("%w: version %s has %s", ErrInsecure, version, strings.Join(found, " and "))
}

// refuse is CheckHoles for who connects.
func (i *Index) refuse(ctx context.Context, address string) error {
	err := i.CheckHoles(ctx)
	if errors.Is(err, ErrInsecure) {
		return fmt.Errorf("Milvus at %s: %w; %s", address, err, InsecureRemedy)
	}
	return err
}

// CheckHoles is ErrInsecure, wrapped, if the server is known to let strangers in.
func (i *Index) CheckHoles(ctx context.Context) error {
	version, err := i.sdk.GetVersion(ctx)
	if err != nil {
		return i.explain(ctx, err, "ask Milvus for its version")
	}
	return checkVersion(version)
}
