package milvus

import (
	"cmp"
	"slices"
)

// clause is a part of an expression in parentheses, and how many operators stand above
// each other in it.
//
// Milvus sends an expression to its C++ half as a tree of messages that may be nested
// 100 deep (protobuf's bound), two for each operator: "a or b or c …" of 50 values is
// a tree of 49 operators, each the left side of the next, and is refused. Joined as
// low as can be, all that search.CheckFilter accepts stays below 30 operators: at most
// MaxFilterDepth levels, each one higher than it need be, hold MaxFilterValues parts.
type clause struct {
	text   string
	height int
}

// denied is a clause's opposite.
func (c clause) denied() clause {
	return clause{text: "(not " + c.text + ")", height: c.height + 1}
}

// joinLow joins clauses with an operator whose order does not matter. No tree is lower:
// the two lowest are joined first, as Huffman's codes are made.
func joinLow(parts []clause, operator string) clause {
	if len(parts) == 1 {
		return clause{text: "(" + parts[0].text + ")", height: parts[0].height}
	}
	slices.SortStableFunc(parts, func(a, b clause) int { return cmp.Compare(a.height, b.height) })
	for len(parts) > 1 {
		lower := clause{
			text:   "(" + parts[0].text + operator + parts[1].text + ")",
			height: parts[1].height + 1,
		}
		parts = parts[2:]
		at, _ := slices.BinarySearchFunc(parts, lower.height, func(c clause, height int) int {
			return cmp.Compare(c.height, height+1) // behind those of the same height
		})
		parts = slices.Insert(parts, at, lower)
	}
	return parts[0]
}
