package onnxfile

import (
	"errors"
	"fmt"
)

// scope holds the names of the values of a graph. Graphs inside it see them.
type scope struct {
	outer     *scope
	producers map[string]int // the node, or given
}

// given marks a value that no node makes: an input or an initializer.
const given = -1

func (s *scope) visible(name string) bool {
	for ; s != nil; s = s.outer {
		if _, ok := s.producers[name]; ok {
			return true
		}
	}
	return false
}

// define demands that the name is new here and in the graphs around.
func (s *scope) define(name string, producer int) error {
	if s.visible(name) {
		return fmt.Errorf("has two values of the name %q", name)
	}
	s.producers[name] = producer
	return nil
}

// checkGraph demands that every value has one origin, that nothing is used
// that does not exist, and that the nodes can run in some order. It returns
// the names that the graph takes from the graphs around it.
func checkGraph(g *graphMessage, outer *scope) ([]string, error) {
	here := &scope{outer: outer, producers: map[string]int{}}
	if err := here.defineAll(g); err != nil {
		return nil, err
	}
	var free []string
	after := make([][]int, len(g.nodes)) // the nodes that need a node
	waiting := make([]int, len(g.nodes)) // the operands that a node still needs
	for i, n := range g.nodes {
		needs, err := needsOf(n, here)
		if err != nil {
			return nil, inNode(n, err)
		}
		for _, name := range needs {
			producer, local := here.producers[name]
			switch {
			case !local && !outer.visible(name):
				return nil, inNode(n, fmt.Errorf("needs the value %q, which does not exist", name))
			case !local:
				free = append(free, name)
			case producer != given:
				after[producer] = append(after[producer], i)
				waiting[i]++
			}
		}
	}
	if stuck := run(after, waiting); stuck >= 0 {
		return nil, inNode(g.nodes[stuck], errors.New("needs its own result: the graph is cyclic"))
	}
	return free, here.checkNames(g)
}

func (s *scope) defineAll(g *graphMessage) error {
	overridable := map[string]bool{}
	for _, input := range g.inputs {
		if input.Name == "" {
			return errors.New("has an input without a name")
		}
		if err := s.define(input.Name, given); err != nil {
			return err
		}
		overridable[input.Name] = true
	}
	for _, name := range g.initializers {
		if overridable[name] { // the initializer is the input's default value
			delete(overridable, name)
			continue
		}
		if err := s.define(name, given); err != nil {
			return err
		}
	}
	for i, n := range g.nodes {
		for _, output := range n.outputs {
			if output == "" {
				continue
			}
			if err := s.define(output, i); err != nil {
				return err
			}
		}
	}
	return nil
}

// needsOf lists the values that a node and the graphs inside it take.
func needsOf(n *node, here *scope) ([]string, error) {
	var needs []string
	for _, input := range n.inputs {
		if input != "" {
			needs = append(needs, input)
		}
	}
	for _, inner := range n.graphs {
		free, err := checkGraph(inner, here)
		if err != nil {
			return nil, err
		}
		needs = append(needs, free...)
	}
	return needs, nil
}

// run takes the nodes in an order in which they can run and returns one that
// never can, or -1.
func run(after [][]int, waiting []int) int {
	var ready []int
	for i, count := range waiting {
		if count == 0 {
			ready = append(ready, i)
		}
	}
	for done := 0; done < len(ready); done++ {
		for _, next := range after[ready[done]] {
			if waiting[next]--; waiting[next] == 0 {
				ready = append(ready, next)
			}
		}
	}
	for i, count := range waiting {
		if count > 0 {
			return i
		}
	}
	return -1
}

// checkNames demands that outputs and annotated values are values of the graph.
func (s *scope) checkNames(g *graphMessage) error {
	seen := map[string]bool{}
	for _, output := range g.outputs {
		if _, ok := s.producers[output.Name]; !ok || seen[output.Name] {
			return fmt.Errorf("has the output %q twice or without a value", output.Name)
		}
		seen[output.Name] = true
	}
	for _, name := range g.annotated {
		if !s.visible(name) {
			return fmt.Errorf("has a quantisation annotation of %q, which does not exist", name)
		}
	}
	return nil
}
