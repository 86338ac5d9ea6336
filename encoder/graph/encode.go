package graph

import (
	"fmt"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// The field numbers below are those of onnx/onnx.proto (IR version 10).
const irVersion = 10

// Encode returns the graph as the bytes of an ONNX ModelProto.
func (g *Graph) Encode() []byte {
	model := message{}.
		integer(1, irVersion).
		text(2, "polylens").
		embed(7, g.encode()).
		embed(8, message{}.text(1, "").integer(2, Opset))
	if g.usesMicrosoft() {
		model = model.embed(8, message{}.text(1, Microsoft).integer(2, 1))
	}
	return model
}

func (g *Graph) usesMicrosoft() bool {
	for _, node := range g.Nodes {
		if node.Domain == Microsoft {
			return true
		}
	}
	return false
}

func (g *Graph) encode() message {
	var m message
	for _, node := range g.Nodes {
		m = m.embed(1, node.encode())
	}
	m = m.text(2, g.Name)
	for _, constant := range g.Initializers {
		m = m.embed(5, constant.encodeTensor())
	}
	for _, input := range g.Inputs {
		m = m.embed(11, input.encodeInfo())
	}
	for _, output := range g.Outputs {
		m = m.embed(12, output.encodeInfo())
	}
	return m
}

func (n *Node) encode() message {
	var m message
	for _, input := range n.Inputs {
		m = m.text(1, nameOf(input))
	}
	for _, output := range n.Outputs {
		m = m.text(2, nameOf(output))
	}
	m = m.text(3, nameOf(n.Outputs[0])).text(4, n.Op)
	for _, attribute := range n.Attributes {
		m = m.embed(5, attribute.encode())
	}
	return m.text(7, n.Domain)
}

// nameOf gives an absent optional operand its ONNX name, the empty string.
func nameOf(v *Value) string {
	if v == nil {
		return ""
	}
	return v.Name
}

func (a Attribute) encode() message {
	m := message{}.text(1, a.Name)
	switch value := a.Value.(type) {
	case float32:
		m = protowire.AppendTag(m, 2, protowire.Fixed32Type)
		m = protowire.AppendFixed32(m, math.Float32bits(value))
		return m.integer(20, 1)
	case int64:
		return m.integer(3, value).integer(20, 2)
	case string:
		return m.text(4, value).integer(20, 3)
	case []int64:
		for _, item := range value {
			m = m.integer(8, item)
		}
		return m.integer(20, 7)
	default:
		panic(fmt.Sprintf("graph: attribute %s has the unsupported type %T", a.Name, a.Value))
	}
}

func (v *Value) encodeTensor() message {
	var m message
	for _, dim := range v.Shape {
		m = m.integer(1, dim)
	}
	m = m.integer(2, int64(v.DType)).text(8, v.Name)
	at := v.Initializer.External
	if at == nil {
		return m.embed(9, v.Initializer.Raw)
	}
	return m.
		embed(13, entry("location", at.Location)).
		embed(13, entry("offset", strconv.FormatInt(at.Offset, 10))).
		embed(13, entry("length", strconv.FormatInt(at.Length, 10))).
		integer(14, 1)
}

func entry(key, value string) message { return message{}.text(1, key).text(2, value) }

func (v *Value) encodeInfo() message {
	var shape message
	for _, dim := range v.Shape {
		shape = shape.embed(1, encodeDim(dim))
	}
	tensor := message{}.integer(1, int64(v.DType)).embed(2, shape)
	return message{}.text(1, v.Name).embed(2, message{}.embed(1, tensor))
}

func encodeDim(dim int64) message {
	if dim >= 0 {
		return message{}.integer(1, dim)
	}
	return message{}.text(2, dimName(dim))
}

// message is a protobuf message being written.
type message []byte

func (m message) integer(field protowire.Number, value int64) message {
	m = protowire.AppendTag(m, field, protowire.VarintType)
	return protowire.AppendVarint(m, uint64(value))
}

func (m message) text(field protowire.Number, value string) message {
	m = protowire.AppendTag(m, field, protowire.BytesType)
	return protowire.AppendString(m, value)
}

func (m message) embed(field protowire.Number, value []byte) message {
	m = protowire.AppendTag(m, field, protowire.BytesType)
	return protowire.AppendBytes(m, value)
}
