package wasm

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero/experimental"
	"golang.org/x/sys/unix"
)

// memory is the linear memory of one instance: address space for all that it may use,
// which the system backs with memory only where it is touched. It does not move when
// it grows, and goes back to the system as soon as the instance is closed.
type memory struct {
	space   []byte
	refused bool // the instance wanted more
}

// reserve makes a memory of so many bytes, rounded down to pages. What it
// begins with, least, is not to be refused: wazero would panic.
func reserve(bytes int64, least uint64) (*memory, error) {
	const page, most = 64 << 10, 4 << 30 // what WebAssembly counts in, and can address
	size := uint64(max(0, min(bytes, most))) / page * page
	if size < least {
		return nil, fmt.Errorf("%w: %d KiB instead of %d", ErrMemory, size>>10, least>>10)
	}
	space, err := unix.Mmap(-1, 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("%w: the system gives no %d MiB: %w", ErrMemory, size>>20, err)
	}
	return &memory{space: space}, nil
}

func (m *memory) context(ctx context.Context) context.Context {
	return experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(
		func(_, _ uint64) experimental.LinearMemory { return m }))
}

// Reallocate implements experimental.LinearMemory. Nil refuses.
func (m *memory) Reallocate(size uint64) []byte {
	if size > uint64(len(m.space)) {
		m.refused = true
		return nil
	}
	return m.space[:size:size]
}

// Free implements experimental.LinearMemory.
func (m *memory) Free() {
	if m.space != nil {
		_ = unix.Munmap(m.space) // fails only for what is not mapped
		m.space = nil
	}
}
