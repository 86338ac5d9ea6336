// Package peer finds out which user of this machine is at the other end of a TCP
// connection, by the owner of the socket there. The kernel says so; nobody at the other
// end can say otherwise. It decides nothing: who may come in is its caller's business.
package peer
