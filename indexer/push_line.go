package indexer

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"polylens/indexer/catalog"
)

// LineWords are what a line of a push says of itself in single words.
type LineWords struct {
	Operation catalog.Operation `json:"op,omitempty"` // empty: upsert
	ID        string            `json:"id,omitempty"`
	SHA256    string            `json:"sha256,omitempty"` // of a picture that is here, as URL, Path, Key and Upload say where another is
	URL       string            `json:"url,omitempty"`
	Path      string            `json:"path,omitempty"`
	Key       string            `json:"key,omitempty"`
	Upload    string            `json:"upload,omitempty"`
	Note      string            `json:"note,omitempty"` // what an archive says of it and cannot be used
}

// Line is a line of a push as it is written. Zero fields say nothing.
type Line struct {
	LineWords
	Data     []byte            `json:"data,omitzero"`
	Metadata map[string]any    `json:"metadata,omitempty"`
	Captions []catalog.Caption `json:"captions,omitempty"`
}

// pushLine is a line of a push as it is read: clients may write it in other forms.
type pushLine struct {
	LineWords
	Data     *string         `json:"data"`
	Metadata json.RawMessage `json:"metadata"`
	Captions json.RawMessage `json:"captions"`
}

// parseLine reads a line of a push. What it returns beside an error is for people.
func parseLine(text []byte) (Document, error) {
	if len(text) > 0 && text[0] == refused {
		var l refusedLine
		if json.Unmarshal(text[1:], &l) == nil {
			return Document{ID: l.ID, Operation: catalog.OperationUpsert}, fmt.Errorf("%w: %s", catalog.ErrPicture, l.Detail)
		}
	}
	var l pushLine
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&l); err != nil {
		return Document{ID: l.ID, Operation: l.Operation}, fmt.Errorf("the line is %w: %w", catalog.ErrInvalid, explainJSON(err))
	}
	document := Document{Operation: l.Operation, ID: l.ID, Metadata: unlessNull(l.Metadata), Captions: unlessNull(l.Captions), Note: cleanReason(l.Note)}
	if document.Operation == "" {
		document.Operation = catalog.OperationUpsert
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return document, fmt.Errorf("the line is %w: something follows its JSON object", catalog.ErrInvalid)
	}
	return l.complete(document)
}

func explainJSON(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("its JSON object ends too early")
	}
	return err
}

// complete adds the picture of an upsert.
func (l pushLine) complete(document Document) (Document, error) {
	pictures := 0
	for _, given := range []bool{l.Data != nil, l.SHA256 != "", l.URL != "", l.Path != "", l.Key != "", l.Upload != ""} {
		if given {
			pictures++
		}
	}
	switch {
	case document.Operation != catalog.OperationUpsert && pictures > 0:
		return document, fmt.Errorf("the line is %w: only an upsert has a picture", catalog.ErrInvalid)
	case document.Operation != catalog.OperationUpsert:
		return document, nil
	case pictures != 1:
		return document, fmt.Errorf("the line is %w: give its picture once, as data, url, path, key, upload or sha256", catalog.ErrInvalid)
	case l.Data == nil:
		document.SHA256, document.URL, document.Path, document.Key, document.Upload = strings.ToLower(l.SHA256), l.URL, l.Path, l.Key, l.Upload
		return document, nil
	}
	var err error
	document.Data, err = decodeData(*l.Data)
	return document, err
}

// decodeData reads a picture's file as base64, in either alphabet, with or without
// padding, and as a data URI.
func decodeData(text string) ([]byte, error) {
	if rest, isURI := strings.CutPrefix(text, "data:"); isURI {
		kind, payload, _ := strings.Cut(rest, ",")
		if !strings.HasSuffix(kind, ";base64") {
			return nil, fmt.Errorf("data is %w: the data URI is not base64", catalog.ErrInvalid)
		}
		text = payload
	}
	text = strings.TrimRight(text, "=")
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	data, err := encoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("data is %w: it is not base64", catalog.ErrInvalid)
	}
	if len(data) == 0 {
		return nil, fmt.Errorf("data is %w: it is empty", catalog.ErrInvalid)
	}
	return data, nil
}

func unlessNull(text json.RawMessage) json.RawMessage {
	if string(text) == "null" {
		return nil
	}
	return text
}
