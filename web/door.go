package web

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/user"
	"slices"
	"strconv"
)

// Guests says who may use a server besides its own user and root, whose connections
// from this machine are told by the owner of the socket at their other end.
type Guests struct {
	// Network lets in everybody who can reach the address.
	Network bool
	// Everybody lets in all who connect without the network, whoever they are.
	Everybody bool
	// Users lets in some users of this machine, by number.
	Users []int
	// Keys asks everybody for a key, also the server's own user and root, but for who
	// comes by a private connection. Without it, only those are asked for one whom the
	// door does not let in.
	Keys bool
}

// caller is who made a connection. The zero value is nobody that is known.
type caller struct {
	known bool
	user  int
	host  bool // the server's own user, or root: may name folders and files of the machine

	private bool    // came by the door for that user and root alone
	rights  *rights // what the request's credentials allow; nil: it has none
	seat    *seat   // of the connection
}

// name tells callers apart.
func (c caller) name() string {
	switch {
	case c.rights != nil:
		return "key " + c.rights.key.ID
	case c.known:
		return "user " + strconv.Itoa(c.user)
	}
	return "somebody"
}

// callerKey is the key of a caller in the context of a connection and its requests.
type callerKey struct{}

func callerOf(ctx context.Context) caller {
	who, _ := ctx.Value(callerKey{}).(caller)
	return who
}

// door lets callers in or refuses them.
type door struct {
	guests Guests
	owner  func(net.Conn) (int, error)
	self   int    // the user whose server it is
	hosts  string // that user and root, for people
}

func newDoor(guests Guests, owner func(net.Conn) (int, error)) door {
	d := door{guests: guests, owner: owner, self: os.Geteuid()}
	if d.hosts = "root"; d.self != 0 {
		d.hosts = fmt.Sprintf("%s and root", userName(d.self))
	}
	return d
}

// userName is a user for people.
func userName(number int) string {
	if known, err := user.LookupId(strconv.Itoa(number)); err == nil {
		return known.Username
	}
	return "user " + strconv.Itoa(number)
}

// ConnContext notes who made a connection, for all requests that come by it. Whatever
// serves the handler has to call it, as http.Server.ConnContext: without it nobody is
// known.
func (h *Handler) ConnContext(ctx context.Context, connection net.Conn) context.Context {
	return context.WithValue(ctx, callerKey{}, h.door.look(connection))
}

// PrivateConnContext is ConnContext for a listener by which the server's own user and root
// come, and nobody else, without a key.
func (h *Handler) PrivateConnContext(ctx context.Context, connection net.Conn) context.Context {
	who := h.door.look(connection)
	who.private = true
	return context.WithValue(ctx, callerKey{}, who)
}

// Inside is the handler for requests of this process itself.
func (h *Handler) Inside() http.Handler {
	self := caller{known: true, user: h.door.self, host: true, private: true}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, self)))
	})
}

// look finds out who made a connection.
func (d door) look(connection net.Conn) caller {
	if encrypted, ok := connection.(*tls.Conn); ok {
		connection = encrypted.NetConn()
	}
	who, err := d.owner(connection)
	if err != nil {
		return caller{}
	}
	return caller{known: true, user: who, host: who == d.self || who == 0}
}

// admits reports whether a caller may use the server without a key.
func (d door) admits(who caller) bool {
	if who.private || d.guests.Keys {
		return who.private && who.host
	}
	return who.host || d.guests.Network || d.guests.Everybody || who.known && slices.Contains(d.guests.Users, who.user)
}

// refusal says for people why a caller is refused, and what to do.
func (d door) refusal(who caller) string {
	const remedy = "whoever runs it can let others in with a key (polylens key create), or with --allow-user"
	if !who.known {
		return fmt.Sprintf("this server answers only %s, and whose connection this is cannot be told; %s '*'", d.hosts, remedy)
	}
	return fmt.Sprintf("this server answers only %s, and this connection is of user %d; %s %d", d.hosts, who.user, remedy, who.user)
}

// noFolders says why a caller may not name folders and files of the machine.
func (d door) noFolders(what, command string) string {
	return fmt.Sprintf("only %s may %s, and only from the machine itself: run “%s” there; "+
		"if that is refused as well, stop the server first", d.hosts, what, command)
}
