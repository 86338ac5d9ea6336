// Package outside runs decoders in processes of their own: C libraries that read
// strangers' bytes must not do so in the server's memory. A child is this program
// again, see [MaybeRunChild]. It loads its libraries, gives up what it does not need
// (files, network, new programs, most of the memory, an environment) and decodes one
// picture at a time. It is killed at a deadline, and replaced when it crashes.
//
// Neither side trusts the bytes of the picture, and the parent does not trust the
// child: a reply has the size that was asked for, or it is none. Requests go
// through pipes; data and pixels through memory that both share, since a pipe would need
// the two processes to take many turns.
//
// It knows no formats: package decode says which decoders there are. On systems other
// than Linux a child is held to time and the size of its reply, not to memory.
package outside
