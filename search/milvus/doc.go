// Package milvus keeps vectors in Milvus: the only importer of its SDK. It
// also runs the embedded standalone server as a supervised child. It knows
// neither pictures nor models, only collections, fingerprints and rows.
//
// # The embedded server
//
// Milvus listens on nine ports of every interface, without authentication. So
// [Start] runs it in a network namespace of its own, which an ordinary user may
// create together with a user namespace, and hands out connections to it
// through a Unix socket that only the owner can open:
//
//	polylens ── Server ──fork──▶ keeper (own network namespace) ──fork──▶ milvus
//	    └── Server.Dial ── door.sock (mode 0600) ──▶ keeper dials 127.0.0.1:19530
//	    ◀───────────── the connected socket itself ────────────┘
//
// The keeper is this program again, see [MaybeRunChild]. It passes the
// connected socket through the door (SCM_RIGHTS), so no byte is copied on the
// way. Both processes die with their parent, whatever kills it.
//
// # The index
//
// One Milvus collection per [search.Key], searched through one alias per
// collection; see [Index].
package milvus
