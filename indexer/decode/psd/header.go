package psd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image/color"

	"polylens/indexer/decode/raster"
)

// Colour modes.
const (
	bitmap       = 0
	gray         = 1
	indexed      = 2
	rgb          = 3
	cmyk         = 4
	multichannel = 7
	duotone      = 8
	lab          = 9
)

// header describes the pixels.
type header struct {
	large                   bool // PSB
	channels, width, height int
	bits, mode              int
	palette                 color.Palette
	profile                 []byte
	merged                  bool
	compression             int
	pixels                  []byte
}

func readHeader(data []byte) (*header, error) {
	r := &raster.Reader{Data: data, Order: binary.BigEndian}
	r.Skip(4)
	version := r.Uint16()
	r.Skip(6)
	h := &header{large: version == 2, merged: true, channels: r.Uint16(), height: int(r.Uint32()), width: int(r.Uint32()), bits: r.Uint16(), mode: r.Uint16()}
	if version < 1 || version > 2 || r.Short {
		return nil, errors.New("its header makes no sense")
	}
	if err := h.check(); err != nil {
		return nil, err
	}
	h.readPalette(r.Take(int(r.Uint32())))
	h.readResources(&raster.Reader{Data: r.Take(int(r.Uint32())), Order: binary.BigEndian})
	layers := int64(r.Uint32())
	if h.large {
		layers = layers<<32 | int64(r.Uint32())
	}
	r.Skip(layers)
	h.compression = r.Uint16()
	switch {
	case r.Short:
		return nil, errors.New("it ends before its flattened picture")
	case !h.merged:
		return nil, raster.Unsupported("it was saved without its flattened picture (Photoshop's setting Maximize Compatibility)")
	case h.compression > 1:
		return nil, raster.Unsupported("a flattened picture that is compressed by ZIP")
	}
	h.pixels = data[r.At:]
	return h, nil
}

// samples is how many channels of each mode are colours.
var samples = map[int]int{bitmap: 1, gray: 1, indexed: 1, rgb: 3, cmyk: 4, multichannel: 1, duotone: 1, lab: 3}

func (h *header) check() error {
	switch n := samples[h.mode]; {
	case n == 0:
		return raster.Unsupported(fmt.Sprintf("colour mode %d", h.mode))
	case h.channels < n || h.channels > 56:
		return fmt.Errorf("it has %d channels instead of %d", h.channels, n)
	case h.bits == 8, h.bits == 16 && h.mode != indexed && h.mode != bitmap, h.bits == 1 && h.mode == bitmap:
		return nil
	}
	return raster.Unsupported(fmt.Sprintf("%d bits a channel", h.bits))
}

// used is how many channels are read.
func (h *header) used() int {
	if h.mode == rgb && h.channels == 4 {
		return 4
	}
	return samples[h.mode]
}

// readPalette reads all red, then all green and all blue values.
func (h *header) readPalette(data []byte) {
	if h.mode != indexed {
		return
	}
	h.palette = make(color.Palette, 256)
	for i := range h.palette {
		h.palette[i] = color.NRGBA{A: 255}
		if len(data) >= 768 {
			h.palette[i] = color.NRGBA{data[i], data[256+i], data[512+i], 255}
		}
	}
}

// readResources looks for the profile, and whether there is a flattened picture.
func (h *header) readResources(r *raster.Reader) {
	const profile, versionInfo = 1039, 1057
	for !r.Short && r.At < len(r.Data) {
		r.Skip(4)
		id, name := r.Uint16(), int64(r.Byte())
		r.Skip(name + (name+1)&1)
		length := int(r.Uint32())
		content := r.Take(length)
		r.Skip(int64(length & 1))
		switch {
		case id == profile:
			h.profile = content
		case id == versionInfo && len(content) > 4:
			h.merged = content[4] != 0
		}
	}
}

// Profile returns the ICC profile, nil without one.
func Profile(data []byte) []byte {
	h, err := readHeader(data)
	if err != nil {
		return nil
	}
	return h.profile
}
