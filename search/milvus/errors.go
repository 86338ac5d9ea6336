package milvus

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/milvus-io/milvus-proto/go-api/v2/commonpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"polylens/indexer/catalog"
	"polylens/search"
)

// serverError is what Milvus answers when it refuses.
type serverError struct {
	code   int32              // since 2.3
	old    commonpb.ErrorCode // before
	reason string
}

func (e *serverError) Error() string {
	return fmt.Sprintf("Milvus answers %q (code %d)", e.reason, e.code)
}

// statusOf finds the refusal inside an answer.
func statusOf(reply any) error {
	var answer *commonpb.Status
	switch reply := reply.(type) {
	case *commonpb.Status:
		answer = reply
	case interface{ GetStatus() *commonpb.Status }:
		answer = reply.GetStatus()
	}
	if answer.GetCode() == 0 && answer.GetErrorCode() == commonpb.ErrorCode_Success {
		return nil
	}
	return &serverError{code: answer.GetCode(), old: answer.GetErrorCode(), reason: answer.GetReason()}
}

// Codes of Milvus (pkg/util/merr) that we act upon.
const (
	codeNotReady           = 1
	codeUnavailable        = 2
	codeRequestLimit       = 4
	codeRateLimit          = 8
	codeCollectionNotFound = 100
	codeNotLoaded          = 101
	codeNotFullyLoaded     = 103
	codeReplicaNotFound    = 400
	codeReplicaUnavailable = 401
	codeChannelNotFound    = 500
	codeChannelLacks       = 501
	codeChannelUnavailable = 503
	codeSegmentLacks       = 602
	codeNodeNotFound       = 901
	codeNodeNotAvailable   = 905
	codeUnexpected         = 65535
)

func (e *serverError) notFound() bool {
	return e.code == codeCollectionNotFound || e.old == commonpb.ErrorCode_CollectionNotExists
}

// passing: the same call may succeed later. A restarting server answers so.
func (e *serverError) passing() bool {
	switch e.code {
	case codeNotReady, codeUnavailable, codeRequestLimit, codeRateLimit, codeNotLoaded, codeNotFullyLoaded,
		codeReplicaNotFound, codeReplicaUnavailable, codeChannelNotFound, codeChannelLacks, codeChannelUnavailable, codeSegmentLacks:
		return true
	}
	// What one part of Milvus answers another may arrive as text alone.
	if e.code == codeUnexpected && strings.Contains(e.reason, "channel not available") {
		return true
	}
	if e.code >= codeNodeNotFound && e.code <= codeNodeNotAvailable {
		return true
	}
	return e.old == commonpb.ErrorCode_NotReadyServe || e.old == commonpb.ErrorCode_NoReplicaAvailable
}

// classify wraps err with the error of package search that callers look for.
func classify(ctx context.Context, err error) error {
	var refused *serverError
	switch {
	case err == nil || errors.Is(err, search.ErrUnavailable) || errors.Is(err, catalog.ErrCollectionNotFound):
		return err
	case errors.As(err, &refused) && refused.notFound():
		return fmt.Errorf("%w: %w", catalog.ErrCollectionNotFound, err)
	case errors.As(err, &refused) && refused.passing():
		return fmt.Errorf("%w: %w", search.ErrUnavailable, err)
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err() // whoever called gave up
	case ctx.Err() != nil:
		return fmt.Errorf("%w: no answer in time: %w: %w", search.ErrUnavailable, ctx.Err(), err)
	}
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.ResourceExhausted:
		return fmt.Errorf("%w: %w", search.ErrUnavailable, err)
	}
	return err
}

func isNotFound(err error) bool {
	var refused *serverError
	return errors.As(err, &refused) && refused.notFound()
}
