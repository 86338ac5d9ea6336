package milvus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	grpc_retry "github.com/grpc-ecosystem/go-grpc-middleware/retry"
	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"polylens/search"
)

// Config says how a Milvus server is reached and how its indexes are built.
type Config struct {
	Address  string // host:port, or https://host:port
	Username string
	Password string
	TLS      bool
	Logger   *slog.Logger // nil: no log

	// AcceptHoles connects also to a server that is known to let strangers in.
	AcceptHoles bool
	// Dialer replaces the network, see Server.Config.
	Dialer func(ctx context.Context, address string) (net.Conn, error)
	// StallAfter is how long Milvus may get no further with loading a collection before
	// that counts as unreadable; 0 means five minutes.
	StallAfter time.Duration
	// HNSW are the parameters of new indexes; zero values mean the defaults.
	HNSW HNSW
}

// HNSW are the parameters of the graph index (Malkov and Yashunin, 2016,
// arXiv 1603.09320).
type HNSW struct {
	M              int // links of a node, 4 to 64; 0 means 16
	EfConstruction int // breadth of the search while building; 0 means 200
	Ef             int // least breadth while searching; 0 means 256
}

func (h HNSW) withDefaults() HNSW {
	if h.M == 0 {
		h.M = 16
	}
	if h.EfConstruction == 0 {
		h.EfConstruction = 200
	}
	if h.Ef == 0 {
		// Among 100,000 vectors of 192 numbers that span 32 dimensions, 128
		// finds 97 % of the true ten, 256 99.5 % for 0.3 ms more.
		h.Ef = 256
	}
	return h
}

const (
	connectLimit = 15 * time.Second
	// callLimit bounds every call that came without a deadline: the SDK itself would
	// wait forever.
	callLimit = time.Minute
)

// Connect opens an index on a Milvus server, version 2.3 or newer. It fails
// with search.ErrUnavailable, wrapped, when no server answers, and with ErrInsecure for one
// that lets strangers in, unless the configuration accepts that.
func Connect(ctx context.Context, config Config) (*Index, error) {
	ctx, cancel := context.WithTimeout(ctx, connectLimit)
	defer cancel()
	sdk, err := newClient(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to Milvus at %s: %w", config.Address, classify(ctx, err))
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	index := newIndex(sdk, config)
	if config.AcceptHoles {
		return index, nil
	}
	if err := index.refuse(ctx, config.Address); err != nil {
		return nil, errors.Join(err, index.Close())
	}
	return index, nil
}

// newClient opens the SDK's client.
func newClient(ctx context.Context, config Config) (client.Client, error) {
	if config.Address == "" {
		return nil, errors.New("no address")
	}
	options := []grpc.DialOption{
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 20 * time.Second, Timeout: 10 * time.Second}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(1<<30),
			// The SDK would repeat an unreachable server for 20 s; our callers
			// decide that themselves.
			grpc_retry.Disable(),
		),
		grpc.WithChainUnaryInterceptor(intercept),
	}
	if config.Dialer != nil {
		options = append(options, grpc.WithContextDialer(config.Dialer))
	}
	return client.NewClient(ctx, client.Config{
		Address:       config.Address,
		Username:      config.Username,
		Password:      config.Password,
		EnableTLSAuth: config.TLS,
		DialOptions:   options,
	})
}

// intercept gives every call a deadline, turns the status inside an answer
// into an error that keeps its code (the SDK drops it), and collects the
// timestamps of writes.
func intercept(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, callLimit)
		defer cancel()
	}
	if err := invoke(ctx, method, request, reply, conn, options...); err != nil {
		return err
	}
	collectStamp(ctx, reply)
	return statusOf(reply)
}

const rootUser = "root"

// defaultPassword is what Milvus gives its root user at its first start.
const defaultPassword = "Milvus"

// checkHealth reports nil when the embedded server answers and is well. With
// authorization on it also replaces the default password.
func (s *Server) checkHealth(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	sdk, err := newClient(ctx, s.Config())
	if err != nil && !s.exposure.cage.ownNetwork() && ctx.Err() == nil {
		if err := s.replaceDefaultPassword(ctx); err != nil {
			return locked(err)
		}
		sdk, err = newClient(ctx, s.Config())
	}
	if err != nil {
		return err
	}
	defer sdk.Close()
	state, err := sdk.CheckHealth(ctx)
	if err != nil {
		return err
	}
	if !state.IsHealthy {
		return fmt.Errorf("unhealthy: %s", strings.Join(state.Reasons, "; "))
	}
	return nil
}

// errLocked says that the server knows neither our password nor its own first one: the
// file with the password is lost, or another's.
var errLocked = errors.New("the password of Milvus is lost")

// locked makes the refusal of a password errLocked.
func locked(err error) error {
	if status.Code(err) == codes.Unauthenticated || strings.Contains(err.Error(), "auth check failure") {
		return fmt.Errorf("%w: %w", errLocked, err)
	}
	return err
}

func (s *Server) replaceDefaultPassword(ctx context.Context) error {
	password, err := s.folder.password()
	if err != nil {
		return err
	}
	config := s.Config()
	config.Username, config.Password = rootUser, defaultPassword
	sdk, err := newClient(ctx, config)
	if err != nil {
		return err
	}
	defer sdk.Close()
	return sdk.UpdateCredential(ctx, rootUser, defaultPassword, password)
}

// flushServer seals and writes out every collection of ours.
func flushServer(ctx context.Context, config Config) error {
	sdk, err := newClient(ctx, config)
	if err != nil {
		return err
	}
	defer sdk.Close()
	return flushAll(ctx, sdk)
}

func flushAll(ctx context.Context, sdk client.Client) error {
	collections, err := sdk.ListCollections(ctx)
	if err != nil {
		return err
	}
	for _, collection := range collections {
		if !isOurs(collection.Name) {
			continue
		}
		if err := sdk.Flush(ctx, collection.Name, false); err != nil {
			return fmt.Errorf("%s: %w", collection.Name, err)
		}
	}
	return nil
}

var _ search.Index = (*Index)(nil)
