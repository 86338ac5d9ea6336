package onnxfile

import "google.golang.org/protobuf/encoding/protowire"

// kind is how a field is written and whether it may repeat.
type kind uint8

const (
	integer  kind = iota + 1 // one varint
	single                   // one float32
	text                     // one string or byte string
	embedded                 // one message

	repeated  = 0x10
	integers  = repeated | integer // packed or not
	singles   = repeated | single  // packed or not
	doubles   = repeated | 5       // packed or not
	texts     = repeated | text
	embeddeds = repeated | embedded
)

// fields are the known fields of a message. The numbers are those of
// onnx/onnx.proto of ONNX 1.23 (IR version 14).
type fields map[protowire.Number]kind

var (
	modelFields = fields{1: integer, 2: text, 3: text, 4: text, 5: integer, 6: text, 7: embedded, 8: embeddeds,
		14: embeddeds, 20: embeddeds, 25: embeddeds, 26: embeddeds}
	graphFields = fields{1: embeddeds, 2: text, 5: embeddeds, 10: text, 11: embeddeds, 12: embeddeds, 13: embeddeds,
		14: embeddeds, 15: embeddeds, 16: embeddeds}
	nodeFields = fields{1: texts, 2: texts, 3: text, 4: text, 5: embeddeds, 6: text, 7: text, 8: text, 9: embeddeds,
		10: embeddeds}
	attributeFields = fields{1: text, 2: single, 3: integer, 4: text, 5: embedded, 6: embedded, 7: singles, 8: integers,
		9: texts, 10: embeddeds, 11: embeddeds, 13: text, 14: embedded, 15: embeddeds, 20: integer, 21: text,
		22: embedded, 23: embeddeds}
	tensorFields = fields{1: integers, 2: integer, 3: embedded, 4: singles, 5: integers, 6: texts, 7: integers, 8: text,
		9: text, 10: doubles, 11: integers, 12: text, 13: embeddeds, 14: integer, 16: embeddeds}
	functionFields = fields{1: text, 4: texts, 5: texts, 6: texts, 7: embeddeds, 8: text, 9: embeddeds, 10: text,
		11: embeddeds, 12: embeddeds, 13: text, 14: embeddeds}
	valueFields      = fields{1: text, 2: embedded, 3: text, 4: embeddeds}
	typeFields       = fields{1: embedded, 4: embedded, 5: embedded, 6: text, 7: embedded, 8: embedded, 9: embedded}
	tensorTypeFields = fields{1: integer, 2: embedded}
	elementFields    = fields{1: embedded} // of sequence and optional types
	shapeFields      = fields{1: embeddeds}
	dimFields        = fields{1: integer, 2: text, 3: text}
	entryFields      = fields{1: text, 2: text} // key and value
	annotationFields = fields{1: text, 2: embeddeds}
	opsetFields      = fields{1: text, 2: integer}
)

// The kinds of an attribute, AttributeProto.AttributeType, and the field that
// holds the value of each.
var attributeValues = map[int64]protowire.Number{
	1: 2, 2: 3, 3: 4, 4: 5, 5: 6, 6: 7, 7: 8, 8: 9, 9: 10, 10: 11, 11: 22, 12: 23, 13: 14, 14: 15,
}
