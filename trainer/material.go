package trainer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"math"
	"slices"

	"polylens/trainer/data"
	"polylens/trainer/data/inspect"
)

// Material is pairs that have been read, inspected and split.
type Material struct {
	Set      *data.Set
	Findings *inspect.Findings
	Parts    []inspect.Part
	Report   inspect.Report
}

// Inspect reads the pairs of all sources, looks at every picture and splits them as
// the configuration says. Material.Report.Check returns what forbids training; the
// error here is about what could not be read at all.
func Inspect(ctx context.Context, config Config, model *Model, reading Reading) (*Material, error) {
	set, err := data.Collect(ctx, reading.Sources...)
	if err != nil {
		return nil, err
	}
	options := inspect.Options{Near: config.Split.Near, Progress: reading.Progress}
	findings, err := inspect.Inspect(ctx, set, reading.Opener, reading.Decoder, options)
	if err != nil {
		return nil, err
	}
	parts, err := findings.Split(config.Seed, config.shares())
	if err != nil {
		return nil, err
	}
	// Much longer than the limit, so that cut texts can be noticed.
	tokens := inspect.CountWith(model.tokens, 4*model.length())
	report := inspect.NewReport(set, findings, parts, tokens, model.length())
	return &Material{Set: set, Findings: findings, Parts: parts, Report: report}, nil
}

// Reading says where pairs and pictures come from.
type Reading struct {
	Sources  []data.Source
	Opener   data.Opener
	Decoder  data.Decoder
	Progress func(done, total int) // of the pictures; may be nil
}

// pictures lists the pictures of a part.
func (m *Material) pictures(part inspect.Part) []int {
	return inspect.Select(m.Parts, part)
}

// textsOf are those of pairs.
func (m *Material) textsOf(pairs []int) []string {
	texts := make([]string, len(pairs))
	for i, pair := range pairs {
		texts[i] = m.Set.Pairs[pair].Text
	}
	return texts
}

// fingerprint names the pairs with their attributes, the content of the pictures
// and the split.
func (m *Material) fingerprint() string {
	hash := sha256.New()
	for _, pair := range m.Set.Pairs {
		content := m.Findings.Contents[pair.Picture]
		hash.Write(content.SHA256[:])
		hash.Write([]byte{byte(m.Parts[pair.Picture])})
		hash.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(pair.Relevance)))
		texts := []string{pair.Text, pair.Language, pair.Item}
		for _, name := range slices.Sorted(maps.Keys(pair.Attributes)) {
			texts = append(texts, name, pair.Attributes[name])
		}
		for _, text := range texts {
			hash.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(text))))
			hash.Write([]byte(text))
		}
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
}
