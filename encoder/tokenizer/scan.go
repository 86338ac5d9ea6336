package tokenizer

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// scanner reads JSON without building values: a vocabulary with its merges is
// half a million small ones. Its methods check what they read.
type scanner struct {
	data []byte
	at   int
}

func (s *scanner) fault(want string) error {
	return fmt.Errorf("at byte %d: want %s", s.at, want)
}

func (s *scanner) space() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// peek returns the next byte that is not white space, 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.at == len(s.data) {
		return 0
	}
	return s.data[s.at]
}

func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.at++
	return true
}

// object calls member with each key, standing before its value. The key is
// valid until then only.
func (s *scanner) object(member func(key []byte) error) error {
	return s.list('{', '}', func() error {
		key, err := s.text()
		if err != nil {
			return err
		}
		if !s.take(':') {
			return s.fault("a colon")
		}
		return member(key)
	})
}

// list reads what stands between two brackets, with commas between.
func (s *scanner) list(open, shut byte, element func() error) error {
	if !s.take(open) {
		return s.fault(strconv.QuoteRune(rune(open)))
	}
	if s.take(shut) {
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if s.take(shut) {
			return nil
		}
		if !s.take(',') {
			return s.fault("a comma or " + strconv.QuoteRune(rune(shut)))
		}
	}
}

func (s *scanner) array(element func() error) error { return s.list('[', ']', element) }

// text reads a string. The result is part of the data unless it has escapes.
func (s *scanner) text() ([]byte, error) {
	if s.peek() != '"' {
		return nil, s.fault("a string")
	}
	from := s.at
	plain := true
	for i := from + 1; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			s.at = i + 1
			return s.unquote(s.data[from:s.at], plain)
		case c == '\\':
			plain = false
			i++
		case c < ' ':
			return nil, s.fault("a string without control characters")
		}
	}
	return nil, s.fault("a string that ends")
}

func (s *scanner) unquote(quoted []byte, plain bool) ([]byte, error) {
	if !utf8.Valid(quoted) {
		return nil, s.fault("UTF-8 in the string before it")
	}
	if plain {
		return quoted[1 : len(quoted)-1], nil
	}
	var text string
	if err := json.Unmarshal(quoted, &text); err != nil {
		return nil, fmt.Errorf("at byte %d: %w", s.at, err)
	}
	return []byte(text), nil
}

// number reads a number and returns its text.
func (s *scanner) number() ([]byte, error) {
	s.space()
	from := s.at
	for s.at < len(s.data) && isNumeric(s.data[s.at]) {
		s.at++
	}
	text := s.data[from:s.at]
	if !json.Valid(text) {
		return nil, s.fault("a number before it")
	}
	return text, nil
}

func isNumeric(c byte) bool {
	return '0' <= c && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}

func (s *scanner) integer() (int32, error) {
	text, err := s.number()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(string(text), 10, 32)
	return int32(n), err
}

func (s *scanner) float() (float64, error) {
	text, err := s.number()
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(string(text), 64)
}

// skip passes over a value and finds no more than its end: brackets and
// strings are counted, nothing else.
func (s *scanner) skip() error {
	for depth := 0; s.at < len(s.data); {
		switch s.data[s.at] {
		case '"':
			s.skipText()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',':
			if depth == 0 {
				return nil
			}
		}
		if depth < 0 {
			return nil
		}
		s.at++
	}
	return s.fault("the end of a value")
}

func (s *scanner) skipText() {
	for s.at++; s.at < len(s.data); s.at++ {
		switch s.data[s.at] {
		case '\\':
			s.at++
		case '"':
			s.at++
			return
		}
	}
	s.at = len(s.data)
}

// finished reports an error if something is left.
func (s *scanner) finished() error {
	if s.peek() != 0 || s.at < len(s.data) {
		return s.fault("the end of the value")
	}
	return nil
}
