package bench

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"polylens/indexer/decode"
	"polylens/internal/ordinary"
)

// drawn is how many pictures are drawn, or read from a folder, at most: a larger
// batch repeats them.
const drawn = 16

// pictures are read from the folder that the user names, or drawn.
func (b *encodeBench) pictures(ctx context.Context) ([]image.Image, error) {
	count := min(b.Batch, drawn)
	if b.Pictures != "" {
		return ReadPictures(ctx, b.Pictures, count)
	}
	pictures := make([]image.Image, count)
	for i := range pictures {
		pictures[i] = DrawWaves(512, i)
	}
	return pictures, nil
}

// ReadPictures reads the first pictures of a folder by name.
func ReadPictures(ctx context.Context, folder string, count int) ([]image.Image, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var pictures []image.Image
	for _, entry := range entries {
		if entry.IsDir() || len(pictures) == count {
			continue
		}
		picture, _, err := decode.File(ctx, filepath.Join(folder, entry.Name()), decode.Limits{})
		if err != nil {
			return nil, err
		}
		pictures = append(pictures, picture)
	}
	if len(pictures) == 0 {
		return nil, fmt.Errorf("there is no picture in %s", folder)
	}
	return pictures, nil
}

// DrawWaves draws waves of all colours, different for each number.
func DrawWaves(side, number int) image.Image {
	picture := image.NewNRGBA(image.Rect(0, 0, side, side))
	wave := func(at int, scale float64) uint8 {
		return uint8(127.5 + 127.5*math.Sin(float64(at)*scale/float64(side)+float64(number)))
	}
	for y := range side {
		for x := range side {
			picture.SetNRGBA(x, y, color.NRGBA{R: wave(x, 9), G: wave(y, 23), B: wave(x*y/side, 61), A: 255})
		}
	}
	return picture
}

// processorName is how the processor calls itself.
func processorName() string {
	if name := procField("/proc/cpuinfo", "model name"); name != "" {
		return name
	}
	return runtime.GOARCH
}

// MemoryOf reads a field such as VmRSS from what Linux says about this process,
// in bytes; 0 where there is none.
func MemoryOf(field string) int64 { return MemoryOfProcess(os.Getpid(), field) }

// MemoryOfProcess is MemoryOf another process.
func MemoryOfProcess(pid int, field string) int64 {
	var kilobytes int64
	_, _ = fmt.Sscanf(procField(fmt.Sprintf("/proc/%d/status", pid), field), "%d kB", &kilobytes) // 0 then
	return kilobytes << 10
}

// procField is the value of the first line "field : value" of a file, "" if
// there is none.
func procField(path, field string) string {
	text, err := ordinary.ReadKernel(path, 1<<20)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == field {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
