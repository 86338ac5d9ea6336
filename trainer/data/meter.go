package data

import (
	"fmt"
	"text/template"
	"text/template/parse"
)

// spend is the function by which a template counts its steps.
const spend = "spend"

// meter puts a call of spend before everything that may be executed again and again:
// the body of a template, which may use itself, and that of every loop. It spends what
// the body has, but for loops within, which count for themselves. Package text/template
// has no bound of its own but the end of the memory.
func meter(body *parse.ListNode, functions template.FuncMap) error {
	for _, loop := range loops(body) {
		if err := meter(loop, functions); err != nil {
			return err
		}
	}
	call, err := template.New("").Funcs(functions).Parse(fmt.Sprintf("{{%s %d}}", spend, 1+parts(body)))
	if err != nil {
		return err
	}
	body.Nodes = append([]parse.Node{call.Root.Nodes[0]}, body.Nodes...)
	return nil
}

// loops are the bodies of the loops in a list that are not within another loop.
func loops(list *parse.ListNode) []*parse.ListNode {
	if list == nil {
		return nil
	}
	var found []*parse.ListNode
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.RangeNode:
			found = append(append(found, n.List), loops(n.ElseList)...)
		case *parse.IfNode:
			found = append(append(found, loops(n.List)...), loops(n.ElseList)...)
		case *parse.WithNode:
			found = append(append(found, loops(n.List)...), loops(n.ElseList)...)
		}
	}
	return found
}

// parts counts the nodes of a list, but for those in the bodies of its loops.
func parts(list *parse.ListNode) int {
	if list == nil {
		return 0
	}
	count := 0
	for _, node := range list.Nodes {
		count += partsOf(node)
	}
	return count
}

func partsOf(node parse.Node) int {
	switch n := node.(type) {
	case *parse.ActionNode:
		return 1 + partsOfPipe(n.Pipe)
	case *parse.TemplateNode:
		return 1 + partsOfPipe(n.Pipe)
	case *parse.PipeNode:
		return partsOfPipe(n)
	case *parse.ChainNode:
		return 1 + partsOf(n.Node)
	case *parse.IfNode:
		return 1 + partsOfPipe(n.Pipe) + parts(n.List) + parts(n.ElseList)
	case *parse.WithNode:
		return 1 + partsOfPipe(n.Pipe) + parts(n.List) + parts(n.ElseList)
	case *parse.RangeNode:
		return 1 + partsOfPipe(n.Pipe) + parts(n.ElseList)
	}
	return 1
}

func partsOfPipe(pipe *parse.PipeNode) int {
	if pipe == nil {
		return 0
	}
	count := 1
	for _, command := range pipe.Cmds {
		for _, argument := range command.Args {
			count += partsOf(argument)
		}
	}
	return count
}
