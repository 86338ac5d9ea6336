package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	lru "github.com/hashicorp/golang-lru/v2"
	"modernc.org/sqlite"
)

// mostStatements is how many statements each connection to SQLite keeps parsed. Parsing
// one takes several times as long as finding a row with it.
const mostStatements = 100

// openStatements is sql.Open for SQLite, but for connections that remember statements.
func openStatements(dsn string) (*sql.DB, error) {
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(remembering{connector}), nil
}

// remembering opens connections that remember statements.
type remembering struct{ driver.Connector }

// Connect implements driver.Connector.
func (r remembering) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := r.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	whole, ok := conn.(sqliteConn)
	if !ok {
		return nil, errors.Join(errors.New("the SQLite driver lacks an interface"), conn.Close())
	}
	known, err := lru.NewWithEvict(mostStatements, func(_ string, s *statement) { s.forget() })
	return &connection{whole, known}, err
}

// sqliteConn is everything that the driver's connections can do.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// connection is used by one goroutine at a time, as database/sql has it.
type connection struct {
	sqliteConn
	known *lru.Cache[string, *statement]
}

// Unwrap gives the driver its own connection.
func (c *connection) Unwrap() driver.Conn { return c.sqliteConn }

// Close implements driver.Conn.
func (c *connection) Close() error {
	c.known.Purge()
	return c.sqliteConn.Close()
}

// ExecContext implements driver.ExecerContext.
func (c *connection) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	result, err := s.stmt.ExecContext(ctx, args)
	return result, s.done(err)
}

// QueryContext implements driver.QueryerContext.
func (c *connection) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := s.stmt.QueryContext(ctx, args)
	if err != nil {
		return nil, s.done(err)
	}
	return &statementRows{rows, s}, nil
}

// statement is one that nobody uses now.
func (c *connection) statement(ctx context.Context, query string) (*statement, error) {
	s, found := c.known.Get(query)
	inUse := found && s.busy && !s.forgotten // rows of it are being read
	if found && !s.busy && !s.forgotten {
		s.busy = true
		return s, nil
	}
	prepared, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	stmt, ok := prepared.(preparedStatement)
	if !ok {
		return nil, errors.Join(errors.New("the SQLite driver's statements lack an interface"), prepared.Close())
	}
	s = &statement{stmt: stmt, busy: true, forgotten: inUse}
	if !inUse {
		c.known.Add(query, s)
	}
	return s, nil
}

type preparedStatement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// statement is a parsed one.
type statement struct {
	stmt      preparedStatement
	busy      bool
	forgotten bool // to be closed after use
}

// forget closes it once nobody uses it.
func (s *statement) forget() {
	if !s.forgotten && !s.busy {
		_ = s.stmt.Close() // its last use was fine
	}
	s.forgotten = true
}

// done ends its use. One that has failed is not used again.
func (s *statement) done(err error) error {
	s.busy = false
	s.forgotten = s.forgotten || err != nil
	if !s.forgotten {
		return nil
	}
	if closed := s.stmt.Close(); err == nil {
		err = closed // else it repeats err
	}
	return err
}

// statementRows are rows of a statement, which is free again when they are closed.
type statementRows struct {
	driver.Rows
	of *statement
}

// Close implements driver.Rows.
func (r *statementRows) Close() error { return r.of.done(r.Rows.Close()) }
