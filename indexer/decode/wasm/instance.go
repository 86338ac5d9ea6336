package wasm

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// ErrMemory is returned, wrapped, when a picture needs more memory than it may
// have.
var ErrMemory = errors.New("it needs more memory than it may have")

// ErrDecode is returned, wrapped, for what the decoder cannot read.
var ErrDecode = errors.New("it cannot be decoded")

// program is a decoder, compiled when it is first needed, which takes about
// half a second and 50 MB, and kept. The zero value is ready.
type program struct {
	once     sync.Once
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	err      error
}

func (p *program) compile(ctx context.Context, binary []byte) error {
	p.once.Do(func() {
		code, err := unzip(binary)
		if err != nil {
			p.err = err
			return
		}
		ctx := context.WithoutCancel(ctx) // the next picture needs it too
		p.runtime = wazero.NewRuntime(ctx)
		if _, err := wasi_snapshot_preview1.Instantiate(ctx, p.runtime); err != nil {
			p.err = fmt.Errorf("start the decoder: %w", err)
			return
		}
		if p.compiled, err = p.runtime.CompileModule(ctx, code); err != nil {
			p.err = fmt.Errorf("compile the decoder: %w", err)
		}
	})
	return p.err
}

// instance is a decoder at work on one picture: nothing of another picture is
// left in it.
type instance struct {
	ctx    context.Context
	module api.Module
	memory *memory
	err    error // the first; calls after it do nothing
}

// run lets f work with a new instance that has so many bytes of memory.
func (p *program) run(ctx context.Context, binary []byte, bytes int64, f func(*instance)) error {
	if err := p.compile(ctx, binary); err != nil {
		return err
	}
	memory, err := reserve(bytes, p.least())
	if err != nil {
		return err
	}
	defer memory.Free()
	in := &instance{memory: memory, ctx: memory.context(context.WithoutCancel(ctx))}
	module, err := p.runtime.InstantiateModule(in.ctx, p.compiled, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		return in.explain(err)
	}
	defer module.Close(in.ctx)
	in.module = module
	f(in)
	return in.explain(in.err)
}

// least is the memory that an instance begins with, in bytes.
func (p *program) least() uint64 {
	const page = 64 << 10
	var bytes uint64
	for _, memory := range p.compiled.ExportedMemories() {
		bytes += uint64(memory.Min()) * page
	}
	return bytes
}

// explain blames memory for everything that went wrong after more of it was refused:
// the decoders do not always notice.
func (in *instance) explain(err error) error {
	if in.memory.refused {
		return fmt.Errorf("%w: %d MiB", ErrMemory, len(in.memory.space)>>20)
	}
	if err != nil && !errors.Is(err, ErrDecode) {
		return fmt.Errorf("%w: %w", ErrDecode, err)
	}
	return err
}

// call returns the result of an exported function, all of which have one.
func (in *instance) call(function string, arguments ...uint64) uint64 {
	if in.err != nil {
		return 0
	}
	results, err := in.module.ExportedFunction(function).Call(in.ctx, arguments...)
	if err != nil {
		in.err = fmt.Errorf("%s: %w", function, err)
		return 0
	}
	return results[0]
}

// allocate returns the address of so many bytes inside the instance.
func (in *instance) allocate(bytes int64) uint64 {
	address := in.call("malloc", uint64(bytes))
	if address == 0 && in.err == nil {
		in.err = fmt.Errorf("%w: no %d bytes are left", ErrMemory, bytes)
	}
	return address
}

// write copies data into the instance.
func (in *instance) write(data []byte) uint64 {
	address := in.allocate(int64(len(data)))
	if in.err == nil && !in.module.Memory().Write(uint32(address), data) {
		in.err = errors.New("write beyond the memory")
	}
	return address
}

// read returns bytes of the instance, valid until it is closed.
func (in *instance) read(address uint64, bytes int64) []byte {
	if in.err != nil {
		return nil
	}
	data, ok := in.module.Memory().Read(uint32(address), uint32(bytes))
	if !ok {
		in.err = errors.New("read beyond the memory")
	}
	return data
}

// number reads a field of the structure at an address.
func (in *instance) number(address uint64, index int) int {
	if in.err != nil {
		return 0
	}
	value, ok := in.module.Memory().ReadUint32Le(uint32(address) + 4*uint32(index))
	if !ok {
		in.err = errors.New("read beyond the memory")
	}
	return int(value)
}

// fail keeps the first error.
func (in *instance) fail(format string, arguments ...any) {
	if in.err == nil {
		in.err = fmt.Errorf(format, arguments...)
	}
}
