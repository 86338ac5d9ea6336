package webtest

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"

	"golang.org/x/image/vector"
)

// Concept is something that the drawn pictures show.
type Concept struct {
	Name  string            // English
	Names map[string]string // by language tag, English included
	Group string
	draw  func(c canvas)
}

// Concepts are what the library shows, with several pictures each.
var Concepts = []Concept{
	concept("sun", "nature", drawSun, "солнце", "شمس", "太阳", "सूरज", "ดวงอาทิตย์"),
	concept("moon", "nature", drawMoon, "луна", "قمر", "月亮", "चाँद", "ดวงจันทร์"),
	concept("star", "nature", drawStar, "звезда", "نجمة", "星星", "तारा", "ดาว"),
	concept("tree", "nature", drawTree, "дерево", "شجرة", "树", "पेड़", "ต้นไม้"),
	concept("mountain", "nature", drawMountain, "гора", "جبل", "山", "पहाड़", "ภูเขา"),
	concept("flower", "nature", drawFlower, "цветок", "زهرة", "花", "फूल", "ดอกไม้"),
	concept("fish", "animals", drawFish, "рыба", "سمكة", "鱼", "मछली", "ปลา"),
	concept("house", "things", drawHouse, "дом", "بيت", "房子", "घर", "บ้าน"),
	concept("heart", "things", drawHeart, "сердце", "قلب", "心", "दिल", "หัวใจ"),
	concept("boat", "things", drawBoat, "лодка", "قارب", "船", "नाव", "เรือ"),
}

func concept(name, group string, draw func(canvas), ru, ar, zh, hi, th string) Concept {
	names := map[string]string{"en": name, "ru": ru, "ar": ar, "zh": zh, "hi": hi, "th": th}
	return Concept{Name: name, Names: names, Group: group, draw: draw}
}

// shapes are the sizes of the variants of each concept, so that a grid has
// pictures of every proportion.
var shapes = []image.Point{{480, 480}, {640, 400}, {400, 600}, {720, 360}, {500, 440}, {420, 540}}

// Variants is the number of pictures of each concept.
var Variants = len(shapes)

// Draw paints one variant of a concept, always the same.
func (c Concept) Draw(variant int) image.Image {
	size := shapes[variant%len(shapes)]
	picture := image.NewRGBA(image.Rectangle{Max: size})
	seed := float64(len(c.Name)*7+variant*37+int(c.Name[0])*11) * 1.7
	background := hsl(seed*23, 0.55, 0.82)
	draw.Draw(picture, picture.Bounds(), image.NewUniform(background), image.Point{}, draw.Src)
	c.draw(newCanvas(picture, seed))
	return picture
}

// canvas draws in a unit square that is centred on a picture.
type canvas struct {
	picture  *image.RGBA
	seed     float64
	x, y, in float64
}

func newCanvas(picture *image.RGBA, seed float64) canvas {
	width, height := float64(picture.Bounds().Dx()), float64(picture.Bounds().Dy())
	in := math.Min(width, height) * 0.84
	return canvas{picture: picture, seed: seed, x: (width - in) / 2, y: (height - in) / 2, in: in}
}

// polygon fills the outline through points, which are pairs of x and y in 0 to 1.
func (c canvas) polygon(fill color.Color, points ...float64) {
	bounds := c.picture.Bounds()
	raster := vector.NewRasterizer(bounds.Dx(), bounds.Dy())
	for i := 0; i+1 < len(points); i += 2 {
		x, y := float32(c.x+points[i]*c.in), float32(c.y+points[i+1]*c.in)
		if i == 0 {
			raster.MoveTo(x, y)
			continue
		}
		raster.LineTo(x, y)
	}
	raster.ClosePath()
	raster.Draw(c.picture, bounds, image.NewUniform(fill), image.Point{})
}

func (c canvas) ellipse(fill color.Color, x, y, rx, ry float64) {
	points := make([]float64, 0, 128)
	for i := range 64 {
		angle := 2 * math.Pi * float64(i) / 64
		points = append(points, x+rx*math.Cos(angle), y+ry*math.Sin(angle))
	}
	c.polygon(fill, points...)
}

// spikes is a star with n points.
func (c canvas) spikes(fill color.Color, x, y, outer, inner float64, n int) {
	points := make([]float64, 0, 4*n)
	for i := range 2 * n {
		radius := outer
		if i%2 == 1 {
			radius = inner
		}
		angle := math.Pi*float64(i)/float64(n) - math.Pi/2
		points = append(points, x+radius*math.Cos(angle), y+radius*math.Sin(angle))
	}
	c.polygon(fill, points...)
}

// tint varies a hue a little from picture to picture.
func (c canvas) tint(hue, saturation, lightness float64) color.Color {
	return hsl(hue+10*math.Sin(c.seed), saturation, lightness+0.04*math.Cos(c.seed*3))
}

func drawSun(c canvas) {
	c.spikes(c.tint(38, 0.95, 0.6), 0.5, 0.5, 0.48, 0.32, 16)
	c.ellipse(c.tint(48, 0.95, 0.62), 0.5, 0.5, 0.27, 0.27)
}

func drawMoon(c canvas) {
	night := c.tint(235, 0.45, 0.26)
	c.ellipse(night, 0.5, 0.5, 0.5, 0.5)
	c.ellipse(c.tint(50, 0.7, 0.8), 0.5, 0.5, 0.34, 0.34)
	c.ellipse(night, 0.64, 0.42, 0.29, 0.29)
}

func drawStar(c canvas) { c.spikes(c.tint(46, 0.95, 0.55), 0.5, 0.52, 0.48, 0.2, 5) }

func drawTree(c canvas) {
	c.polygon(c.tint(24, 0.5, 0.32), 0.45, 0.6, 0.55, 0.6, 0.58, 1, 0.42, 1)
	for _, crown := range [][3]float64{{0.34, 0.48, 0.22}, {0.66, 0.48, 0.22}, {0.5, 0.28, 0.26}} {
		c.ellipse(c.tint(128, 0.5, 0.38), crown[0], crown[1], crown[2], crown[2])
	}
}

func drawMountain(c canvas) {
	c.polygon(c.tint(215, 0.25, 0.5), 0.2, 0.9, 0.62, 0.15, 1.04, 0.9)
	c.polygon(c.tint(215, 0.28, 0.38), -0.05, 0.9, 0.32, 0.32, 0.7, 0.9)
	c.polygon(color.White, 0.62, 0.15, 0.73, 0.345, 0.64, 0.31, 0.58, 0.36, 0.52, 0.33)
}

func drawFlower(c canvas) {
	c.polygon(c.tint(120, 0.45, 0.36), 0.48, 0.5, 0.52, 0.5, 0.53, 1, 0.47, 1)
	for i := range 6 {
		angle := math.Pi * float64(i) / 3
		c.ellipse(c.tint(330, 0.75, 0.66), 0.5+0.2*math.Cos(angle), 0.38+0.2*math.Sin(angle), 0.14, 0.14)
	}
	c.ellipse(c.tint(46, 0.9, 0.58), 0.5, 0.38, 0.12, 0.12)
}

func drawFish(c canvas) {
	body := c.tint(16, 0.85, 0.58)
	c.polygon(body, 0.66, 0.5, 1, 0.24, 0.94, 0.5, 1, 0.76)
	c.ellipse(body, 0.42, 0.5, 0.36, 0.25)
	c.polygon(c.tint(30, 0.9, 0.66), 0.36, 0.28, 0.5, 0.1, 0.58, 0.31)
	c.ellipse(color.White, 0.24, 0.44, 0.06, 0.06)
	c.ellipse(color.Black, 0.23, 0.44, 0.03, 0.03)
}

func drawHouse(c canvas) {
	c.polygon(c.tint(36, 0.5, 0.72), 0.16, 0.42, 0.84, 0.42, 0.84, 0.98, 0.16, 0.98)
	c.polygon(c.tint(6, 0.6, 0.48), 0.04, 0.45, 0.5, 0.05, 0.96, 0.45)
	c.polygon(c.tint(24, 0.45, 0.35), 0.42, 0.64, 0.6, 0.64, 0.6, 0.98, 0.42, 0.98)
	c.polygon(c.tint(200, 0.6, 0.72), 0.66, 0.54, 0.78, 0.54, 0.78, 0.68, 0.66, 0.68)
}

func drawHeart(c canvas) {
	red := c.tint(350, 0.8, 0.55)
	c.ellipse(red, 0.3, 0.34, 0.235, 0.235)
	c.ellipse(red, 0.7, 0.34, 0.235, 0.235)
	c.polygon(red, 0.095, 0.45, 0.5, 0.28, 0.905, 0.45, 0.5, 0.95)
}

func drawBoat(c canvas) {
	c.polygon(c.tint(200, 0.6, 0.5), -0.08, 0.82, 1.08, 0.82, 1.08, 1, -0.08, 1)
	c.polygon(c.tint(22, 0.5, 0.36), 0.08, 0.64, 0.92, 0.64, 0.76, 0.88, 0.24, 0.88)
	c.polygon(color.White, 0.52, 0.04, 0.9, 0.58, 0.52, 0.58)
	c.polygon(c.tint(4, 0.7, 0.56), 0.47, 0.14, 0.47, 0.58, 0.18, 0.58)
}

// hsl converts a hue in degrees, saturation and lightness in 0 to 1.
func hsl(hue, saturation, lightness float64) color.RGBA {
	channel := func(n float64) uint8 {
		k := math.Mod(n+math.Mod(hue, 360)/30+12, 12)
		a := saturation * math.Min(lightness, 1-lightness)
		value := lightness - a*math.Max(-1, math.Min(k-3, math.Min(9-k, 1)))
		return uint8(math.Round(255 * math.Max(0, math.Min(1, value))))
	}
	return color.RGBA{R: channel(0), G: channel(8), B: channel(4), A: 255}
}

func hexColor(c color.Color) string {
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}
