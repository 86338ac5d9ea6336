package gate

import (
	"fmt"
	"image"
	"image/color"
	"math"
)

// Probes are texts in the 36 languages of Crossmodal-3600 and drawn pictures of
// many looks: what a model is judged by where nobody names better.
func Probes() (texts []string, names []string, pictures []image.Image) {
	for i, draw := range drawings {
		for _, side := range []int{96, 320} {
			names = append(names, fmt.Sprintf("drawing %d at %d pixels", i, side))
			pictures = append(pictures, render(draw, side, side*(3+i%4)/4))
		}
	}
	return append([]string(nil), phrases...), names, pictures
}

var phrases = []string{
	"قطة سوداء تنام على كرسي", "লাল ফুলের বাগান", "dva psi na sněhu", "et skib i havnen", "ein Fahrrad vor einer Backsteinmauer",
	"ένα μπολ με φρούτα", "a red apple on a wooden table", "un mercado lleno de gente", "کوه\u200cهای پوشیده از برف", "vene tyynellä järvellä",
	"isang batang may hawak na lobo", "une vieille voiture bleue", "כלב רץ על החוף", "रात में शहर की सड़क", "stara kamena kuća",
	"egy könyvespolc egy szobában", "sawah hijau di pagi hari", "una tazza di caffè", "桜の木の下の自転車", "비 오는 거리의 우산",
	"he ngeru mā", "een molen tussen de tulpen", "en fjord om vinteren", "talerz pierogów", "um barco de pesca na praia",
	"huk allqu", "un cal pe câmp", "кошка смотрит в окно", "två barn som spelar fotboll", "tembo mtoni", "పసుపు పువ్వు",
	"ตลาดน้ำในตอนเช้า", "eski bir taş köprü", "поле соняшників", "một bát phở nóng", "一只熊猫在吃竹子",
}

// drawings give the colour at a place, from 0 to 1 each way.
var drawings = []func(x, y float64) color.RGBA{
	func(x, y float64) color.RGBA { return rgb(x, y, 1-x) },
	func(x, y float64) color.RGBA { return rgb(1, 1-ring(x, y, 0.3), 1-ring(x, y, 0.3)) },
	func(x, y float64) color.RGBA { v := math.Mod(math.Floor(x*8)+math.Floor(y*8), 2); return rgb(v, v, v) },
	func(x, y float64) color.RGBA { return rgb(noise(x, y), noise(y, x), noise(x+y, x)) },
	func(x, y float64) color.RGBA { return rgb(0.9, 0.9*step(y-0.5), 0.2+0.6*ring(x, y*2, 0.2)) },
	func(x, y float64) color.RGBA { v := 0.5 + 0.5*math.Sin(40*x+10*y*y); return rgb(v, 0.5*v, 0.1) },
	func(x, y float64) color.RGBA { return rgb(0.05, 0.05+0.1*noise(x, y), 0.15*y) },
	func(x, y float64) color.RGBA { return rgb(0.97-0.5*ring(x, y, 0.05), 0.97, 0.97) },
}

func rgb(r, g, b float64) color.RGBA {
	level := func(v float64) uint8 { return uint8(255 * min(max(v, 0), 1)) }
	return color.RGBA{level(r), level(g), level(b), 255}
}

// ring is 1 within a radius of the middle.
func ring(x, y, radius float64) float64 { return step(radius - math.Hypot(x-0.5, y-0.5)) }

func step(v float64) float64 {
	if v > 0 {
		return 1
	}
	return 0
}

// noise is between 0 and 1 and the same every time.
func noise(x, y float64) float64 {
	_, fraction := math.Modf(math.Abs(math.Sin(x*1271.3+y*3117.7) * 43758.5453))
	return fraction
}

func render(draw func(x, y float64) color.RGBA, width, height int) image.Image {
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			picture.SetRGBA(x, y, draw((float64(x)+0.5)/float64(width), (float64(y)+0.5)/float64(height)))
		}
	}
	return picture
}
