// Package milvus keeps vectors in Milvus: the only importer of its SDK. It
// also runs the embedded standalone server as a supervised child. It knows
// neither pictures nor models, only collections, fingerprints and rows.
//
// # The embedded server
//
// Milvus listens on nine ports of every interface, and most of them ask nobody for a
// password, whatever its configuration says. So [Start] runs it in a cage and hands
// out connections to it through a Unix socket that only the owner can open:
//
//	polylens ── Server ──fork──▶ keeper ──fork──▶ milvus, in a cage
//	    └── Server.Dial ── door.sock (mode 0600) ──▶ keeper dials 127.0.0.1:19530
//	    ◀───────────── the connected socket itself ────────────┘
//
// The keeper is this program again, see [MaybeRunChild]. It passes the
// connected socket through the door (SCM_RIGHTS), so no byte is copied on the
// way. Both processes die with their parent, whatever kills it.
//
// These are the cages, in the order in which they are tried; the first that works is
// used. Where none does, Start refuses unless [ServerOptions].Expose accepts it.
//
//   - A network namespace that is made together with a user namespace, as ordinary
//     users may on most systems.
//   - A network namespace alone, which a privileged process may make.
//   - The network of the machine, but every socket that Milvus opens is made by the
//     keeper (seccomp_unotify(2)): confined to the loopback interface, and signing
//     each packet with a key of this run (TCP_MD5SIG). The kernel drops what comes
//     without that signature, so a port answers nobody but Milvus and the keeper.
//     Needs Linux 5.14, but no privilege: containers usually allow it.
//
// # The index
//
// One Milvus collection per [search.Key], searched through one alias per
// collection; see [Index].
package milvus
