package onnxfile

import (
	"fmt"
	"strings"
)

// microsoft is the domain of the operators that ONNX Runtime adds.
const microsoft = "com.microsoft"

// plainDomain gives the standard domain its one name.
func plainDomain(domain string) string {
	if domain == "ai.onnx" {
		return ""
	}
	return domain
}

// contributed are the operators of com.microsoft that optimizers and quantizers write
// for transformers. The domain holds others, among them some that load programs or
// files by name (EPContext), so they are listed.
var contributed = setOf(`
	Attention BiasAdd BiasGelu BiasSoftmax BiasSplitGelu DequantizeLinear DynamicQuantizeMatMul
	EmbedLayerNormalization FastGelu FusedConv FusedGemm FusedMatMul GatherBlockQuantized Gelu GemmFastGelu
	GemmFloat8 GroupNorm GroupQueryAttention LayerNormalization MatMulBnb4 MatMulFpQ4 MatMulInteger16
	MatMulIntegerToFloat MatMulNBits MultiHeadAttention NhwcConv PackedAttention PackedMultiHeadAttention
	QAttention QEmbedLayerNormalization QGemm QLinearAdd QLinearAveragePool QLinearConcat QLinearConv
	QLinearGlobalAveragePool QLinearMul QLinearSigmoid QLinearSoftmax QLinearWhere QOrderedMatMul QuantizeLinear
	QuickGelu RemovePadding RestorePadding RotaryEmbedding SimplifiedLayerNormalization SkipGroupNorm
	SkipLayerNormalization SkipSimplifiedLayerNormalization TransposeMatMul`)

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}

// checkOperators demands that each node is an operator that Polylens admits or
// calls a function of the model, and counts the operators.
func checkOperators(m *model) (map[string]int, error) {
	functions, err := checkFunctions(m)
	if err != nil {
		return nil, err
	}
	if err := checkOpsets(m); err != nil {
		return nil, err
	}
	census := census{functions: functions, operators: map[string]int{}}
	if err := census.count(m.graph.nodes, m.opsets); err != nil {
		return nil, err
	}
	for _, f := range m.functions {
		if err := census.count(f.nodes, f.opsets); err != nil {
			return nil, inFunction(f, err)
		}
	}
	unfolder := unfolder{functions, map[signature]int{}}
	if _, err := unfolder.size(m.graph.nodes); err != nil {
		return nil, err
	}
	for _, f := range m.functions { // also those that nothing calls
		if _, err := unfolder.size([]*node{{domain: f.domain, op: f.name, overload: f.overload}}); err != nil {
			return nil, err
		}
	}
	return census.operators, nil
}

// checkOpsets demands versions that ONNX Runtime runs. Domains that are
// imported but not used are harmless and common.
func checkOpsets(m *model) error {
	if m.ir < minIR || m.ir > maxIR {
		return fmt.Errorf("has the IR version %d; %d to %d are read: export it with another version of ONNX", m.ir, minIR, maxIR)
	}
	all := []map[string]int64{m.opsets}
	for _, f := range m.functions {
		all = append(all, f.opsets)
	}
	for _, opsets := range all {
		version, imported := opsets[""]
		if imported && (version < minOpset || version > maxOpset) {
			return fmt.Errorf("uses version %d of the ONNX operators; %d to %d are read: export it with another opset", version, minOpset, maxOpset)
		}
	}
	return nil
}

// census counts the operators of a model.
type census struct {
	functions map[signature]*function
	operators map[string]int
}

func (c *census) count(nodes []*node, opsets map[string]int64) error {
	for _, n := range nodes {
		name := n.op
		if n.domain != "" {
			name = n.domain + "." + n.op
		}
		c.operators[name]++
		if err := c.admit(n, name, opsets); err != nil {
			return inNode(n, err)
		}
		for _, inner := range n.graphs {
			if err := c.count(inner.nodes, opsets); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *census) admit(n *node, name string, opsets map[string]int64) error {
	if c.functions[signature{n.domain, n.op, n.overload}] != nil {
		return nil
	}
	if n.op == "" || n.overload != "" || n.domain != "" && (n.domain != microsoft || !contributed[n.op]) {
		return fmt.Errorf("is the operator %q, which is not among those of SigLIP's exports and refused: export the model without custom operators", name)
	}
	if _, imported := opsets[n.domain]; !imported {
		return fmt.Errorf("is the operator %q of a domain that the model does not import", name)
	}
	return nil
}
