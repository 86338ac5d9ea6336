package evaluate

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
)

// Result is how well one language does in one direction, query by query where
// that is known.
type Result struct {
	Quality
	Queries string `json:"queries,omitempty"` // digest of what was asked, equal for equal queries among equal candidates
	Ranks   []int  `json:"ranks,omitempty"`   // of each query, 0 for not found
}

// Report is the results of one model, one for each language and direction. Means
// are no part of it: see Summary.
type Report []Result

// Find is the result for a language and a direction, or false.
func (r Report) Find(language string, direction Direction) (Result, bool) {
	at := slices.IndexFunc(r, func(one Result) bool { return one.Language == language && one.Direction == direction })
	if at < 0 {
		return Result{}, false
	}
	return r[at], true
}

// Summary is the report without ranks, and then the mean over the languages of
// each direction.
func (r Report) Summary() []Quality {
	var all []Quality
	var directions []Direction
	of := make(map[Direction][]Quality)
	for _, result := range r {
		all = append(all, result.Quality)
		if of[result.Direction] == nil {
			directions = append(directions, result.Direction)
		}
		of[result.Direction] = append(of[result.Direction], result.Quality)
	}
	for _, direction := range directions {
		all = append(all, Mean(of[direction]))
	}
	return all
}

// Write writes one JSON object a line.
func (r Report) Write(to io.Writer) error {
	buffered := bufio.NewWriter(to)
	encoder := json.NewEncoder(buffered)
	for _, result := range r {
		if err := encoder.Encode(result); err != nil {
			return fmt.Errorf("write a report: %w", err)
		}
	}
	return buffered.Flush()
}

// ReadReport reads what Write has written, or the lines of a Summary, which say
// nothing about single queries. Lines of means are left out: they follow from the
// others.
func ReadReport(from io.Reader) (Report, error) {
	decoder := json.NewDecoder(from)
	decoder.DisallowUnknownFields()
	var report Report
	for number := 1; ; number++ {
		var result Result
		err := decoder.Decode(&result)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = result.check()
		}
		if err != nil {
			return nil, fmt.Errorf("report, object %d: %w", number, err)
		}
		if result.Language == MeanLanguage {
			continue
		}
		if _, twice := report.Find(result.Language, result.Direction); twice {
			return nil, fmt.Errorf("report, object %d: %s %s stands there twice", number, result.Language, result.Direction)
		}
		report = append(report, result)
	}
	if len(report) == 0 {
		return nil, errors.New("report: it is empty")
	}
	return report, nil
}

func (r Result) check() error {
	switch {
	case r.Language == "":
		return errors.New(`it has no "language"`)
	case r.Direction != TextToImage && r.Direction != ImageToText && r.Direction != ZeroShot:
		return fmt.Errorf("direction %q is unknown", r.Direction)
	case r.N < 1:
		return fmt.Errorf("n is %d, want at least 1", r.N)
	case r.Ranks != nil && len(r.Ranks) != r.N:
		return fmt.Errorf("%d ranks of %d queries", len(r.Ranks), r.N)
	case slices.ContainsFunc(r.Ranks, func(rank int) bool { return rank < 0 }):
		return errors.New("a rank is negative")
	}
	for _, share := range []float64{r.R1, r.R5, r.R10, r.MRR} {
		if share < 0 || share > 1 {
			return fmt.Errorf("%v is no share from 0 to 1", share)
		}
	}
	return nil
}

// sameQueries reports whether two results can be compared query by query.
func sameQueries(a, b Result) bool {
	return a.Ranks != nil && len(a.Ranks) == len(b.Ranks) && a.Queries == b.Queries
}

// digest is of parts that cannot run into each other.
type digest struct{ hash.Hash }

func newDigest() digest { return digest{sha256.New()} }

func (d digest) add(part string) { fmt.Fprintf(d, "%d:%s", len(part), part) }

func (d digest) addPlaces(places []int) { fmt.Fprintf(d, "%v", places) }

// String is the first 16 hex digits: enough to notice that what was meant to be equal
// is not.
func (d digest) String() string { return hex.EncodeToString(d.Sum(nil))[:16] }

func digestOfNames(pictures []Picture) string {
	made := newDigest()
	for _, picture := range pictures {
		made.add(picture.Name)
	}
	return made.String()
}

func digestOfQueries(names string, g group) string {
	made := newDigest()
	made.add(names)
	made.add(g.language)
	for i, text := range g.texts {
		made.add(text)
		made.addPlaces(g.pictures[i])
	}
	return made.String()
}
