package ort

import (
	"runtime"
	"sync"

	onnx "github.com/yalue/onnxruntime_go"
)

// result is where one output of a run goes. Where its shape is known before
// the run, the library writes straight into the memory of the tensor returned;
// where it is not, the library allocates, value is nil until then, and the
// result is copied once.
type result struct {
	value  onnx.Value
	tensor Tensor    // filled by the run, where value was given
	halves []uint16  // filled instead where the model gives float16
	narrow []int32   // filled instead where the model gives int32
	unread *[]uint64 // filled instead where nobody wants the output
}

// scratch lends memory for outputs that a run has to write and nobody reads.
type scratch struct{ pool sync.Pool } // of *[]uint64

func (s *scratch) lend(bytes int64) *[]uint64 {
	words := int((bytes + 7) / 8)
	memory, _ := s.pool.Get().(*[]uint64)
	if memory == nil || cap(*memory) < words {
		fresh := make([]uint64, words)
		return &fresh
	}
	*memory = (*memory)[:words]
	return memory
}

func (s *scratch) takeBack(memory *[]uint64) { s.pool.Put(memory) }

// results prepares the outputs of one run.
func (s *Session) results(batch int64, wanted []bool, pinner *runtime.Pinner) ([]result, error) {
	list := make([]result, len(s.outputs))
	for i, port := range s.outputs {
		shape, known := port.sized(batch)
		if !known {
			continue
		}
		var err error
		if wanted == nil || wanted[i] {
			err = list[i].receive(port, shape, pinner)
		} else {
			err = list[i].ignore(port, shape, &s.scratch, pinner)
		}
		if err != nil {
			return list, err
		}
	}
	return list, nil
}

func (r *result) receive(port Port, shape []int64, pinner *runtime.Pinner) (err error) {
	count := elements(shape)
	r.tensor.Shape = shape
	switch port.element() {
	case Int64:
		r.tensor.Ints = make([]int64, count)
		r.value, err = pinned(shape, r.tensor.Ints, pinner)
	case Int32:
		r.narrow = make([]int32, count)
		r.value, err = pinned(shape, r.narrow, pinner)
	case Float16:
		r.halves = make([]uint16, count)
		r.value, err = pinnedBytes(shape, bytesOf(r.halves), Float16, pinner)
	default:
		r.tensor.Floats = make([]float32, count)
		r.value, err = pinned(shape, r.tensor.Floats, pinner)
	}
	return err
}

func (r *result) ignore(port Port, shape []int64, scratch *scratch, pinner *runtime.Pinner) (err error) {
	bytes := elements(shape) * port.element().size()
	r.unread = scratch.lend(bytes)
	r.value, err = pinnedBytes(shape, bytesOf(*r.unread)[:bytes], port.element(), pinner)
	return err
}

// read returns what a run has written.
func (r *result) read(port Port) (Tensor, error) {
	switch {
	case r.halves != nil:
		r.tensor.Floats = fromHalves(r.halves)
	case r.narrow != nil:
		r.tensor.Ints = widen(r.narrow)
	case r.tensor.Shape == nil:
		return take(port, r.value)
	}
	return r.tensor, nil
}

// free ends the library's hold on the memory.
func (r *result) free(scratch *scratch) {
	if r.value != nil {
		free(r.value)
	}
	if r.unread != nil {
		scratch.takeBack(r.unread)
	}
}
