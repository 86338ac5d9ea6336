package wasm

import (
	"context"

	"github.com/tetratelabs/wazero/experimental"
	"golang.org/x/sys/unix"
)

// memory is the linear memory of one instance: address space for all that it
// may have, of which the system gives what is touched. It does not move when it
// grows, and goes back to the system as soon as the instance is closed.
type memory struct {
	most    uint64
	space   []byte
	refused bool // the instance wanted more
}

func (m *memory) context(ctx context.Context) context.Context {
	return experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(
		func(_, _ uint64) experimental.LinearMemory { return m }))
}

// Reallocate implements experimental.LinearMemory. Nil refuses.
func (m *memory) Reallocate(size uint64) []byte {
	if m.space == nil {
		space, err := unix.Mmap(-1, 0, int(m.most), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
		if err != nil {
			m.refused = true
			return nil
		}
		m.space = space
	}
	if size > m.most {
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
