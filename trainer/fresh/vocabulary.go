package fresh

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/internal/ordinary"
	"polylens/trainer/checkpoint"
)

// embedding is the table of tokens: a row for each id.
const embedding = "text_model.embeddings.token_embedding.weight"

// copied are the files that number no tokens.
var copied = []string{preprocessorFile, "processor_config.json", "special_tokens_map.json", "README.md", "LICENSE"}

// source says which rows of the table the row of a token is the mean of.
type source []int64

// write writes a copy of a model whose tokens are t, their rows made of those of
// the original.
func write(ctx context.Context, from, to string, t *tokens, rows []source) error {
	index, err := safetensors.Open(from)
	if err != nil {
		return err
	}
	table, err := newTable(index, rows)
	if err != nil {
		return err
	}
	files, err := t.files(from, rows)
	if err != nil {
		return err
	}
	paths, err := existing(from, copied)
	if err != nil {
		return err
	}
	return checkpoint.WriteModel(ctx, to, checkpoint.Model{Original: index, Changed: []checkpoint.Changed{table}, Copy: paths, Files: files})
}

// newTable makes the rows.
func newTable(index *safetensors.Index, rows []source) (checkpoint.Changed, error) {
	old, ok := index.Tensor(embedding)
	if !ok || len(old.Shape) != 2 {
		return checkpoint.Changed{}, fmt.Errorf("the model %s has no table of tokens, %s", index.Dir, embedding)
	}
	width := old.Shape[1]
	table := checkpoint.Changed{
		Name: embedding, DType: safetensors.F32, Shape: []int64{int64(len(rows)), width}, Values: make([]float32, int64(len(rows))*width),
	}
	if old.DType == safetensors.BF16 || old.DType == safetensors.F16 && copies(rows) {
		table.DType = old.DType
	}
	row := make([]float32, width)
	for i, source := range rows {
		for _, id := range source {
			if id >= old.Shape[0] {
				return table, fmt.Errorf("the token %d of the model %s has no row in its table of %d: its files do not belong together", id, index.Dir, old.Shape[0])
			}
			if err := index.ReadRows(embedding, id, row); err != nil {
				return table, err
			}
			add(table.Values[int64(i)*width:], row, 1/float32(len(source)))
		}
	}
	return table, nil
}

// copies reports whether every row is one of the original's, which means nothing
// has to be rounded.
func copies(rows []source) bool {
	return !slices.ContainsFunc(rows, func(from source) bool { return len(from) != 1 })
}

func add(to, values []float32, factor float32) {
	for i, value := range values {
		to[i] += factor * value
	}
}

// files are those that number tokens.
func (t *tokens) files(from string, rows []source) (map[string][]byte, error) {
	fresh := map[int64]int64{}
	for now, source := range rows {
		if len(source) == 1 {
			fresh[source[0]] = int64(now)
		}
	}
	content, err := t.content()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{tokenizerFile: append(content, '\n')}
	for name, describe := range map[string]func([]byte) ([]byte, error){
		siglip2.ConfigFile:  func(old []byte) ([]byte, error) { return describedModel(old, fresh, len(rows)) },
		tokenizerConfigFile: func(old []byte) ([]byte, error) { return describedTokens(old, fresh) },
	} {
		old, err := ordinary.Read(filepath.Join(from, name), maxTokens)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if files[name], err = describe(old); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(from, name), err)
		}
	}
	return files, nil
}
