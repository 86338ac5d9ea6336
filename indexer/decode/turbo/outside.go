package turbo

import (
	"fmt"

	"polylens/indexer/decode/outside"
)

// OpenOutside is the Opener of this decoder for a process of its own. Request.Scale is
// Want.Points.
func OpenOutside(path string) (outside.Decode, error) {
	library, err := Open(path)
	if err != nil {
		return nil, err
	}
	return library.decodeOutside, nil
}

func (l *Library) decodeOutside(request outside.Request, allocate func(int) ([]byte, error)) (outside.Reply, error) {
	if request.Scale < 1 || request.Scale > 8 {
		return outside.Reply{}, fmt.Errorf("there is no scale %d", request.Scale)
	}
	img, damage, err := l.Decode(request.Data, Want{
		Full: request.Full, Points: request.Scale, Tolerant: request.Tolerant, Allocate: allocate,
	})
	reply := outside.Reply{Image: img}
	if damage != "" {
		reply.Warnings = []string{damage}
	}
	return reply, err
}
