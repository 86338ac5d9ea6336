package fresh

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"polylens/encoder/siglip2"
)

// renumber changes the ids that the post-processor of a tokenizer.json adds to texts.
// Polylens takes none from there; transformers does.
func (t *tokens) renumber(fresh map[int64]int64) error {
	content, ok := t.file["post_processor"]
	if !ok {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	var processor any
	if err := decoder.Decode(&processor); err != nil {
		return err
	}
	renumberTemplates(processor, fresh)
	return t.file.set("post_processor", processor)
}

// renumberTemplates looks for {"special_tokens": {NAME: {"ids": [...]}}} at any
// depth.
func renumberTemplates(value any, fresh map[int64]int64) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			renumberTemplates(element, fresh)
		}
	case map[string]any:
		for name, field := range value {
			if special, ok := field.(map[string]any); ok && name == "special_tokens" {
				renumberSpecial(special, fresh)
				continue
			}
			renumberTemplates(field, fresh)
		}
	}
}

func renumberSpecial(special map[string]any, fresh map[int64]int64) {
	for _, token := range special {
		token, _ := token.(map[string]any)
		ids, _ := token["ids"].([]any)
		for i := range ids {
			number, _ := ids[i].(json.Number)
			if id, err := number.Int64(); err == nil {
				ids[i] = fresh[id]
			}
		}
	}
}

// describedTokens is tokenizer_config.json with ids by the new numbers. Nil
// fresh leaves them.
func describedTokens(content []byte, fresh map[int64]int64) ([]byte, error) {
	config, table := object{}, object{}
	if err := json.Unmarshal(content, &config); err != nil {
		return nil, err
	}
	const field = "added_tokens_decoder"
	if err := config.field(field, &table); err != nil || len(table) == 0 {
		return content, err
	}
	renumbered := object{}
	for key, token := range table {
		id, err := strconv.ParseInt(key, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", field, err)
		}
		if now, ok := fresh[id]; ok {
			renumbered[strconv.FormatInt(now, 10)] = token
		}
	}
	if err := config.set(field, renumbered); err != nil {
		return nil, err
	}
	return indented(config)
}

// describedModel is config.json of a model with so many tokens. Ids that name
// no token any more are left out: they are not used.
func describedModel(content []byte, fresh map[int64]int64, size int) ([]byte, error) {
	config, text := object{}, object{}
	if err := json.Unmarshal(content, &config); err != nil {
		return nil, err
	}
	if err := config.field("text_config", &text); err != nil {
		return nil, err
	}
	for _, name := range []string{"pad_token_id", "bos_token_id", "eos_token_id"} {
		if err := text.renumberField(name, fresh); err != nil {
			return nil, err
		}
	}
	if err := text.set("vocab_size", size); err != nil {
		return nil, err
	}
	if err := config.set("text_config", text); err != nil {
		return nil, err
	}
	described, err := indented(config)
	if err != nil {
		return nil, err
	}
	_, err = siglip2.ParseConfig(described)
	return described, err
}

func (o object) renumberField(name string, fresh map[int64]int64) error {
	if _, ok := o[name]; !ok {
		return nil
	}
	var id int64
	if err := o.field(name, &id); err != nil {
		return err
	}
	now, ok := fresh[id]
	if !ok {
		delete(o, name)
		return nil
	}
	return o.set(name, now)
}

func indented(value any) ([]byte, error) {
	content, err := encoded(value)
	if err != nil {
		return nil, err
	}
	var buffer bytes.Buffer
	err = json.Indent(&buffer, content, "", "  ")
	return append(buffer.Bytes(), '\n'), err
}
