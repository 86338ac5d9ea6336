package color

import (
	"encoding/binary"
	"fmt"
)

// checkLUT checks the sizes in lut8Type, lut16Type and lutAToBType (ISO 15076-1, 10.10
// to 10.12).
func checkLUT(tag []byte, channels int) error {
	if len(tag) < 32 {
		return errCut
	}
	if in, out := int(tag[8]), int(tag[9]); in != channels || out != 3 {
		return fmt.Errorf("a table from %d to %d channels instead of from %d to 3", in, out, channels)
	}
	switch kind := string(tag[:4]); kind {
	case "mft1":
		return checkTable(tag, 48, 256, 256, 1)
	case "mft2":
		if len(tag) < 52 {
			return errCut
		}
		return checkTable(tag, 52, int(binary.BigEndian.Uint16(tag[48:])), int(binary.BigEndian.Uint16(tag[50:])), 2)
	case "mAB ":
		return checkStages(tag, channels)
	default:
		return fmt.Errorf("a table of kind %q", kind)
	}
}

// checkTable checks lut8Type and lut16Type: curves, table, curves.
func checkTable(tag []byte, head, in, out, bytes int) error {
	channels, points := int(tag[8]), int(tag[10])
	nodes := 3
	for range channels {
		nodes *= points
	}
	if points < 2 || in < 2 || out < 2 || head+bytes*(channels*in+nodes+3*out) > len(tag) {
		return errCut
	}
	return nil
}

// checkStages checks lutAToBType, whose parts stand at offsets, 0 for those that it
// does not have.
func checkStages(tag []byte, channels int) error {
	at := func(i int) ([]byte, error) {
		offset := binary.BigEndian.Uint32(tag[12+4*i:])
		if int64(offset) >= int64(len(tag)) {
			return nil, errCut
		}
		if offset == 0 {
			return nil, nil
		}
		return tag[offset:], nil
	}
	for i, check := range []func([]byte) error{
		func(b []byte) error { return checkCurves(b, 3) },
		func(b []byte) error { return atLeast(b, 12*4) },
		func(b []byte) error { return checkCurves(b, 3) },
		func(b []byte) error { return checkNodes(b, channels) },
		func(b []byte) error { return checkCurves(b, channels) },
	} {
		stage, err := at(i)
		if err == nil && stage != nil {
			err = check(stage)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func atLeast(b []byte, size int) error {
	if len(b) < size {
		return errCut
	}
	return nil
}

func checkCurves(b []byte, count int) error {
	for range count {
		size, err := curveSize(b)
		if err != nil {
			return err
		}
		b = b[min(size, len(b)):]
	}
	return nil
}

// checkNodes checks the table of lutAToBType.
func checkNodes(b []byte, channels int) error {
	const head, precision = 20, 16
	if len(b) < head {
		return errCut
	}
	nodes := 3
	for _, points := range b[:channels] {
		if points < 2 {
			return errCut
		}
		nodes *= int(points)
	}
	if bytes := int(b[precision]); bytes != 1 && bytes != 2 || head+bytes*nodes > len(b) {
		return errCut
	}
	return nil
}
