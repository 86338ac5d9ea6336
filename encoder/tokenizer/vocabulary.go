package tokenizer

import (
	"bytes"
	"fmt"
)

// vocabulary holds the two large parts of a tokenizer.json, not yet read.
type vocabulary struct{ vocab, merges []byte }

// cutVocabulary takes model.vocab and model.merges out of a tokenizer.json: in
// rest stands null for them. It checks only what it needs to find them.
func cutVocabulary(data []byte) (rest []byte, v vocabulary, err error) {
	s := scanner{data: data}
	done := 0
	cut := func(from int) []byte {
		rest = append(append(rest, data[done:from]...), "null"...)
		done = s.at
		return data[from:s.at]
	}
	err = s.object(func(key []byte) error {
		if string(key) != "model" || s.peek() != '{' {
			return s.skip()
		}
		return s.object(func(key []byte) error {
			s.space()
			from := s.at
			err := s.skip()
			switch string(key) {
			case "vocab":
				v.vocab = cut(from)
			case "merges":
				v.merges = cut(from)
			}
			return err
		})
	})
	return append(rest, data[done:]...), v, err
}

// tokens reads the vocabulary of a byte-pair encoding: {"token": id}.
func (v vocabulary) tokens() (map[string]int32, error) {
	s := scanner{data: v.vocab}
	vocab := make(map[string]int32, min(bytes.Count(v.vocab, []byte(":")), maxID))
	if len(v.vocab) == 0 {
		return vocab, nil
	}
	err := s.object(func(key []byte) error {
		token := string(key)
		id, err := s.integer()
		if err == nil && (id < 0 || id >= maxID) {
			err = fmt.Errorf("token %q has id %d; want 0 to %d", token, id, maxID-1)
		}
		vocab[token] = id
		if err == nil && len(vocab) > maxID {
			err = fmt.Errorf("there are more than %d tokens", maxID)
		}
		return err
	})
	if err == nil {
		err = s.finished()
	}
	return vocab, err
}

// pieces reads the vocabulary of a unigram model: [["piece", score]].
func (v vocabulary) pieces() ([]piece, error) {
	s := scanner{data: v.vocab}
	var pieces []piece
	err := s.array(func() error {
		p, fields := piece{}, 0
		err := s.array(func() (err error) {
			var text []byte
			switch fields++; fields {
			case 1:
				text, err = s.text()
				p.text = string(text)
			case 2:
				p.score, err = s.float()
			default:
				err = s.fault("a piece and its score")
			}
			return err
		})
		pieces = append(pieces, p)
		if err == nil && (fields != 2 || len(pieces) > maxID) {
			err = s.fault("a piece and its score, not too many")
		}
		return err
	})
	if err == nil {
		err = s.finished()
	}
	return pieces, err
}

// mergeCount guesses the number of merges, to save memory.
func (v vocabulary) mergeCount() int {
	if pairs := bytes.Count(v.merges, []byte("[")); pairs > 1 {
		return min(pairs-1, maxMerges)
	}
	return min(bytes.Count(v.merges, []byte(",")), maxMerges)
}

// eachMerge reads the merges: pairs or, in older files, "left right". The
// texts are valid until yield returns.
func (v vocabulary) eachMerge(yield func(left, right []byte) error) error {
	s := scanner{data: v.merges}
	if len(v.merges) == 0 {
		return nil
	}
	count := 0
	err := s.array(func() error {
		if count++; count > maxMerges {
			return fmt.Errorf("there are more than %d merges", maxMerges)
		}
		left, right, err := s.merge()
		if err != nil {
			return err
		}
		return yield(left, right)
	})
	if err != nil {
		return err
	}
	return s.finished()
}

func (s *scanner) merge() (left, right []byte, err error) {
	if s.peek() == '"' {
		text, err := s.text()
		left, right, ok := bytes.Cut(text, []byte(" "))
		if err == nil && (!ok || bytes.IndexByte(right, ' ') >= 0) {
			err = fmt.Errorf("merge %.80q: want two parts", text)
		}
		return left, right, err
	}
	parts := 0
	err = s.array(func() (err error) {
		switch parts++; parts {
		case 1:
			left, err = s.text()
		case 2:
			right, err = s.text()
		default:
			err = s.fault("two parts of a merge")
		}
		return err
	})
	if err == nil && parts != 2 {
		err = s.fault("two parts of a merge before it")
	}
	return left, right, err
}
