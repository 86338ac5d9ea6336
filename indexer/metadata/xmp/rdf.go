package xmp

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"polylens/indexer/metadata"
)

const (
	rdf     = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
	xmlName = "http://www.w3.org/XML/1998/namespace"

	maxDepth  = 64
	maxValues = 20_000 // elements of a packet
)

// value is a property: a text, a list of values or a structure.
type value struct {
	text     string
	language string
	items    []value
	fields   properties
}

type properties map[xml.Name]value

// element is an element of XML with what it holds.
type element struct {
	name     xml.Name
	attrs    []xml.Attr
	text     strings.Builder
	children []*element
}

func (e *element) attr(space, local string) string {
	for _, attr := range e.attrs {
		if attr.Name.Space == space && attr.Name.Local == local {
			return attr.Value
		}
	}
	return ""
}

// parse reads the properties of a packet. Next to an error it gives those before it.
func parse(packet []byte) (properties, error) {
	root, err := tree(utf8Of(packet))
	found := make(properties)
	collect(root, found)
	return found, err
}

// utf8Of turns a packet in UTF-16, by its byte order mark or its first letter, into
// UTF-8.
func utf8Of(packet []byte) []byte {
	var high int
	switch {
	case bytes.HasPrefix(packet, []byte("\xfe\xff")), bytes.HasPrefix(packet, []byte("\x00<")):
		high = 0
	case bytes.HasPrefix(packet, []byte("\xff\xfe")), bytes.HasPrefix(packet, []byte("<\x00")):
		high = 1
	default:
		return packet
	}
	units := make([]uint16, len(packet)/2)
	for i := range units {
		units[i] = uint16(packet[2*i+high])<<8 | uint16(packet[2*i+1-high])
	}
	return []byte(string(utf16.Decode(units)))
}

// tree reads XML as far as it is well formed.
func tree(packet []byte) (*element, error) {
	decoder := xml.NewDecoder(bytes.NewReader(bytes.TrimRight(packet, "\x00 \r\n\t")))
	decoder.Strict = false
	decoder.CharsetReader = charset
	root := &element{}
	open := []*element{root}
	for count := 0; ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return root, nil
		}
		if err != nil {
			return root, fmt.Errorf("its XML ends early: %w", err)
		}
		top := open[len(open)-1]
		switch token := token.(type) {
		case xml.StartElement:
			if count++; count > maxValues || len(open) > maxDepth {
				return root, fmt.Errorf("its XML has more than %d elements, or more than %d inside of one another", maxValues, maxDepth)
			}
			next := &element{name: token.Name, attrs: token.Copy().Attr}
			top.children = append(top.children, next)
			open = append(open, next)
		case xml.EndElement:
			if len(open) > 1 {
				open = open[:len(open)-1]
			}
		case xml.CharData:
			top.text.Write(token)
		}
	}
}

// charset reads what a packet in UTF-16, which is UTF-8 by now, or in Latin-1 says of
// itself.
func charset(label string, input io.Reader) (io.Reader, error) {
	switch strings.ToLower(label) {
	case "utf-16", "utf-16le", "utf-16be", "us-ascii", "ascii":
		return input, nil
	case "iso-8859-1", "latin1", "windows-1252":
		data, err := io.ReadAll(input)
		return strings.NewReader(metadata.Latin1(data)), err
	}
	return nil, fmt.Errorf("encoding %.40q is not supported: save it as UTF-8", label)
}

// collect gathers the properties of all descriptions, the first of a name.
func collect(e *element, found properties) {
	for _, child := range e.children {
		if child.name == (xml.Name{Space: rdf, Local: "Description"}) {
			child.describe(found)
			continue
		}
		collect(child, found)
	}
}

// describe adds the properties that an element has as attributes and as children.
func (e *element) describe(found properties) {
	for _, attr := range e.attrs {
		if isProperty(attr.Name) {
			found.add(attr.Name, value{text: attr.Value})
		}
	}
	for _, child := range e.children {
		found.add(child.name, child.value())
	}
}

func (p properties) add(name xml.Name, v value) {
	if _, ok := p[name]; !ok {
		p[name] = v
	}
}

func isProperty(name xml.Name) bool {
	return name.Space != "" && name.Space != rdf && name.Space != xmlName && name.Space != "xmlns"
}

func (e *element) value() value {
	v := value{language: e.attr(xmlName, "lang"), text: strings.TrimSpace(e.text.String())}
	if resource := e.attr(rdf, "resource"); resource != "" {
		v.text = resource
	}
	v.fields = make(properties)
	for _, child := range e.children {
		switch {
		case child.name.Space == rdf && (child.name.Local == "Alt" || child.name.Local == "Bag" || child.name.Local == "Seq"):
			for _, item := range child.children {
				v.items = append(v.items, item.value())
			}
		case child.name.Space == rdf && child.name.Local == "Description":
			child.describe(v.fields)
		case child.name.Space == rdf && child.name.Local == "value":
			v.text = strings.TrimSpace(child.text.String())
		default:
			v.fields.add(child.name, child.value())
		}
	}
	for _, attr := range e.attrs {
		if isProperty(attr.Name) {
			v.fields.add(attr.Name, value{text: attr.Value})
		}
	}
	return v
}

// one is the value of a text, or of the first item of a list.
func (v value) one() string {
	if v.text == "" && len(v.items) > 0 {
		return v.items[0].text
	}
	return v.text
}

// texts are the texts of a list, or of what should be one.
func (v value) texts() []string {
	var texts []string
	for _, item := range v.items {
		texts = append(texts, item.text)
	}
	if texts == nil && v.text != "" {
		texts = []string{v.text}
	}
	return texts
}
