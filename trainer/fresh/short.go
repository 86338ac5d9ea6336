package fresh

import (
	"math"
	"strings"

	"polylens/encoder/siglip2"
	"polylens/trainer/checkpoint"
)

// settle changes what makes a short training slow: blocks begin close to the
// identity, what they add scaled by 1 / sqrt of the number of additions (Radford
// et al. 2019, "Language Models are Unsupervised Multitask Learners", section
// 2.3), and patches know their places.
func settle(tensor checkpoint.Changed, config siglip2.Config) {
	name, tower := tensor.Name, config.Text.Tower
	isVision := strings.HasPrefix(name, "vision_model.")
	if isVision {
		tower = config.Vision.Tower
	}
	switch {
	case isVision && strings.HasSuffix(name, ".position_embedding.weight") && tower.Width%4 == 0:
		waves(tensor.Values, int(config.Vision.Grid()), int(tower.Width))
	case strings.HasSuffix(name, ".self_attn.out_proj.weight"), strings.Contains(name, ".layers.") && strings.HasSuffix(name, ".fc2.weight"):
		scale(tensor.Values, 1/math.Sqrt(2*float64(tower.Layers)))
	}
}

func scale(values []float32, by float64) {
	for i := range values {
		values[i] *= float32(by)
	}
}

// Of the waves: the length of the longest in sides of the picture, about, and
// how large they are beside an embedded patch, whose values have a deviation of
// up to 1.
const longest, height = 4, 0.6

// waves fills positions [side side, width] with sines and cosines of the column and
// the row, as plain vision transformers have them (Beyer et al. 2022, arXiv
// 2205.01580; posemb_sincos_2d of big_vision). Waves that are much longer than a side
// would carry no information.
func waves(values []float32, side, width int) {
	quarter := width / 4
	for position := range side * side {
		row, column := float64(position/side), float64(position%side)
		own := values[position*width : (position+1)*width]
		for i := range quarter {
			rate := 1.5 * math.Pow(float64(longest*side), -float64(i)/float64(quarter))
			for axis, at := range []float64{column, row} {
				sine, cosine := math.Sincos(rate * at)
				own[2*axis*quarter+i], own[(2*axis+1)*quarter+i] = float32(height*sine), float32(height*cosine)
			}
		}
	}
}
