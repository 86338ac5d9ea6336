package tokenizer

import (
	"cmp"
	"slices"
	"strings"
)

// trie finds which of a set of strings a text begins with.
type trie struct{ nodes []trieNode }

// trieNode is a string of the set or the beginning of one. Its children are
// neighbours in nodes, in the order of their last byte.
type trieNode struct {
	children int32
	id       int32 // of the string that ends here, -1: none does
	count    uint16
	last     byte
}

// entry is a string of a trie.
type entry struct {
	text string
	id   int32
}

// newTrie takes strings that are not empty, and sorts them. Of two that are
// equal the one with the greater id counts.
func newTrie(entries []entry) trie {
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(strings.Compare(a.text, b.text), cmp.Compare(a.id, b.id))
	})
	t := trie{nodes: []trieNode{{id: -1}}}
	// Breadth first: each step adds the children of the node at the front.
	type todo struct{ from, to, depth int }
	queue := []todo{{0, len(entries), 0}}
	for at := 0; at < len(queue); at++ {
		q := queue[at]
		for q.from < q.to && len(entries[q.from].text) == q.depth {
			t.nodes[at].id = entries[q.from].id
			q.from++
		}
		t.nodes[at].children = int32(len(t.nodes))
		for q.from < q.to {
			last := entries[q.from].text[q.depth]
			end := q.from + 1
			for end < q.to && entries[end].text[q.depth] == last {
				end++
			}
			t.nodes = append(t.nodes, trieNode{id: -1, last: last})
			t.nodes[at].count++
			queue = append(queue, todo{q.from, end, q.depth + 1})
			q.from = end
		}
	}
	return t
}

// next returns the child of a node for one more byte, -1 if there is none.
func (t trie) next(node int32, last byte) int32 {
	n := t.nodes[node]
	children := t.nodes[n.children : int(n.children)+int(n.count)]
	i, ok := slices.BinarySearchFunc(children, last, func(c trieNode, last byte) int { return cmp.Compare(c.last, last) })
	if !ok {
		return -1
	}
	return n.children + int32(i)
}

// find returns the id of a string, -1 if it is not in the set.
func (t trie) find(s string) int32 {
	node := int32(0)
	for i := range len(s) {
		if node = t.next(node, s[i]); node < 0 {
			return -1
		}
	}
	return t.nodes[node].id
}
