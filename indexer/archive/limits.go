package archive

import (
	"cmp"
	"errors"
)

// Limits bound what reading one archive may cost. A zero field has the default.
type Limits struct {
	MaxEntries     int   // of all kinds; default 1 million. Each takes 50 bytes of memory
	MaxBytes       int64 // of one picture; default 64 MiB
	MaxDescription int64 // bytes of one json or txt; default 1 MiB
	MaxTables      int64 // bytes of all tables of metadata, which are in memory; default 64 MiB
	MaxTotal       int64 // bytes of all, unpacked; default 1 TiB
	// MaxRatio is how many times its packed size an archive may have unpacked, beyond
	// its first RatioFrom bytes; default 200.
	MaxRatio  int64
	RatioFrom int64 // default 256 MiB
	// MaxDirectory is how many bytes the directory of a zip archive has, which is read
	// into ten times the memory; default 32 MiB.
	MaxDirectory int64
}

func (l Limits) withDefaults() Limits {
	l.MaxEntries = cmp.Or(l.MaxEntries, 1_000_000)
	l.MaxTables = cmp.Or(l.MaxTables, 64<<20)
	l.MaxBytes, l.MaxDescription, l.MaxTotal = cmp.Or(l.MaxBytes, 64<<20), cmp.Or(l.MaxDescription, 1<<20), cmp.Or(l.MaxTotal, 1<<40)
	l.MaxRatio, l.RatioFrom, l.MaxDirectory = cmp.Or(l.MaxRatio, 200), cmp.Or(l.RatioFrom, 256<<20), cmp.Or(l.MaxDirectory, 32<<20)
	return l
}

func (l Limits) check() error {
	if min(int64(l.MaxEntries), l.MaxBytes, l.MaxDescription, l.MaxTables, l.MaxTotal, l.MaxRatio, l.RatioFrom, l.MaxDirectory) <= 0 {
		return errors.New("archive: limits must be above zero")
	}
	return nil
}

// ErrLimit is wrapped by errors for an archive that asks for more than it may.
var ErrLimit = errors.New("beyond a limit")

// ErrCutOff is wrapped by errors for an archive that ends too early.
var ErrCutOff = errors.New("cut off")
