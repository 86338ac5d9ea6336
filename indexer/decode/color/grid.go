package color

// grid is the table for what has no simpler one: the formula at equal distances, and
// between them interpolation in the simplex of neighbours around a colour, which for
// three channels is a tetrahedron.
type grid struct {
	channels int
	nodes    [][3]uint16 // 8 bits and 8 of fraction, the last channel being the fastest
}

// white is the value of white in nodes.
const white = 255 * 256

// white is the node of no ink or of full light, which remains white whatever the
// profile says: lcms2 does the same ("white on white fix-up").
func (g *grid) white() int {
	if g.channels == 4 {
		return 0
	}
	return len(g.nodes) - 1
}

// points is how many nodes each channel has, as lcms2 has it for RGB.
func (g *grid) points() int {
	if g.channels == 4 {
		return 17
	}
	return 33
}

func newGrid(f formula) *grid {
	g := &grid{channels: f.channels}
	points := g.points()
	count := 1
	for range f.channels {
		count *= points
	}
	g.nodes = make([][3]uint16, count)
	samples := make([]float64, f.channels)
	for i := range g.nodes {
		rest := i
		for c := f.channels - 1; c >= 0; c-- {
			samples[c] = float64(rest%points) / float64(points-1)
			rest /= points
		}
		for c, v := range f.convert(samples) {
			if v > 0 {
				g.nodes[i][c] = uint16(min(v, 1)*white + 0.5)
			}
		}
	}
	g.nodes[g.white()] = [3]uint16{white, white, white}
	return g
}

// axis is how far a colour is from its node in one channel, of full, and how far the
// next node is.
type axis struct {
	fraction uint32
	stride   int
}

func (g *grid) row(dst []byte, samples []uint16) {
	for ; len(dst) >= 4; dst, samples = dst[4:], samples[perPixel:] {
		dst[0], dst[1], dst[2] = g.at(samples)
		dst[3] = 255
		if g.channels == 3 {
			dst[3] = byte(samples[3] >> 8)
		}
	}
}

// at interpolates one colour: from its node along the axes, that of the greatest
// fraction first.
func (g *grid) at(samples []uint16) (red, green, blue byte) {
	var axes [4]axis
	node, points, stride := 0, g.points(), 1
	for c := g.channels - 1; c >= 0; c-- {
		position := uint32(samples[c]) * uint32(points-1)
		index := min(position/full, uint32(points-2))
		a := axis{position - index*full, stride}
		node += int(index) * stride
		stride *= points
		i := g.channels - 1 - c
		for ; i > 0 && axes[i-1].fraction < a.fraction; i-- {
			axes[i] = axes[i-1]
		}
		axes[i] = a
	}
	var sum [3]uint32
	before := uint32(full)
	for i := range g.channels + 1 {
		weight := before
		if i < g.channels {
			weight -= axes[i].fraction
			before = axes[i].fraction
		}
		n := &g.nodes[node]
		sum[0], sum[1], sum[2] = sum[0]+weight*uint32(n[0]), sum[1]+weight*uint32(n[1]), sum[2]+weight*uint32(n[2])
		if i < g.channels {
			node += axes[i].stride
		}
	}
	const round = 128
	return byte((sum[0]/full + round) >> 8), byte((sum[1]/full + round) >> 8), byte((sum[2]/full + round) >> 8)
}
