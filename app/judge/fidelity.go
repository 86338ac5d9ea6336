package judge

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"polylens/encoder/gate"
	"polylens/indexer/decode"
	"polylens/trainer/evaluate"
)

// Pairs are pictures and what is said about them. Source says where they come from,
// for people.
type Pairs struct {
	Source    string
	Own       bool     // the user's choice
	Languages []string // of the texts that are searched for, nil for all
	Pictures  []Picture
}

// Fidelity compares a model in fewer bits with itself in fp32.
type Fidelity struct {
	exact, candidate *remembering
	viewer           Viewer
	target           decode.Target
}

// NewFidelity prepares a comparison. Pictures may be reduced to the size that
// target returns; nil for no reduction.
func NewFidelity(exact, candidate Model, viewer Viewer, target decode.Target) *Fidelity {
	return &Fidelity{exact: remember(exact), candidate: remember(candidate), viewer: viewer, target: target}
}

// Judge fills in all that a verdict says about the vectors of the probes, and of
// pairs if there are any.
func (f *Fidelity) Judge(ctx context.Context, verdict *gate.Verdict, pairs Pairs) error {
	texts, names, pictures := gate.Probes()
	var err error
	if verdict.Texts, err = gate.Texts(ctx, f.exact, f.candidate, texts); err != nil {
		return err
	}
	if verdict.Pictures, err = gate.Pictures(ctx, f.exact, f.candidate, names, pictures); err != nil {
		return err
	}
	if len(pairs.Pictures) > 0 {
		if verdict.Pairs, err = f.retrieve(ctx, pairs); err != nil {
			return err
		}
	}
	verdict.Judge()
	return nil
}

// retrieve compares the vectors of pairs, and what each model finds with them.
func (f *Fidelity) retrieve(ctx context.Context, pairs Pairs) (*gate.Retrieval, error) {
	read, vectors, err := f.viewer.Encode(ctx, pairs.Pictures, f.target, f.exact, f.candidate)
	if err != nil {
		return nil, err
	}
	set, names, err := asked(read, pairs.Languages)
	if err != nil {
		return nil, fmt.Errorf("readable pictures of %s: %w", pairs.Source, err)
	}
	exact, candidate := vectors[0], vectors[1]
	result := &gate.Retrieval{Source: pairs.Source, Own: pairs.Own, Recalls: []gate.Recall{}}
	if result.Pictures, err = gate.Compare(names, candidate, exact); err != nil {
		return nil, err
	}
	if result.Texts, err = f.compareTexts(ctx, set.Texts()); err != nil {
		return nil, err
	}
	if result.Pictures.Invalid+result.Texts.Invalid > 0 {
		return result, nil // nothing can be searched with such vectors
	}
	result.Recalls, err = f.recalls(ctx, set, exact, candidate)
	return result, err
}

// asked are pictures as queries, and their names.
func asked(pictures []Picture, languages []string) (*evaluate.Set, []string, error) {
	names := make([]string, len(pictures))
	described := make([]evaluate.Picture, len(pictures))
	for i, picture := range pictures {
		names[i] = plain(picture.Name())
		described[i] = evaluate.Picture{Name: picture.Place.String(), Texts: picture.Texts}
	}
	set, err := evaluate.NewSet(described, languages)
	return set, names, err
}

// plain is a name as people know it, not as it is written in a URI.
func plain(name string) string {
	if unescaped, err := url.PathUnescape(name); err == nil {
		return unescaped
	}
	return name
}

// compareTexts compares distinct texts.
func (f *Fidelity) compareTexts(ctx context.Context, texts []string) (gate.Agreement, error) {
	done := 0
	for chunk := range slices.Chunk(texts, batch) { // so that the progress is seen
		if _, err := gate.Texts(ctx, f.exact, f.candidate, chunk); err != nil {
			return gate.Agreement{}, err
		}
		done += len(chunk)
		f.viewer.Progress("texts", done, len(texts))
	}
	return gate.Texts(ctx, f.exact, f.candidate, texts)
}

// recalls searches with fp32, with the candidate, and with fp32 among the candidate's
// pictures.
func (f *Fidelity) recalls(ctx context.Context, set *evaluate.Set, exact, candidate [][]float32) ([]gate.Recall, error) {
	var found [3]evaluate.Report
	for i, side := range []struct {
		queries *remembering
		among   [][]float32
	}{{f.exact, exact}, {f.candidate, candidate}, {f.exact, candidate}} {
		pictures, err := unit(side.among)
		if err != nil {
			return nil, err
		}
		if found[i], err = set.Evaluate(ctx, unitTexts{side.queries}, pictures, nil); err != nil {
			return nil, err
		}
		f.viewer.Progress("searches", i+1, len(found))
	}
	var recalls []gate.Recall
	for i, result := range found[0] {
		if result.Direction == evaluate.TextToImage {
			recalls = append(recalls, gate.Recall{Language: result.Language, Queries: result.N,
				Exact: result.R5, Candidate: found[1][i].R5, Mixed: found[2][i].R5})
		}
	}
	return recalls, nil
}
