package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"polylens/indexer/catalog"
)

// IsAway reports whether an error says that a Postgres database has not been reached, or
// has gone away in the middle of a call: it was stopped, is being started, or the
// connection was cut.
func IsAway(err error) bool {
	var answered *pgconn.PgError
	if errors.As(err, &answered) {
		// 08: connection, 53: resources, 57P: the server is ending or starting, 40: others were in the way
		for _, class := range []string{"08", "53", "57P", "40"} {
			if strings.HasPrefix(answered.Code, class) {
				return true
			}
		}
		return false
	}
	return errors.As(err, new(*pgconn.ConnectError)) || errors.As(err, new(*net.OpError)) || errors.Is(err, catalog.ErrUnavailable) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, context.DeadlineExceeded) || pgconn.SafeToRetry(err)
}
