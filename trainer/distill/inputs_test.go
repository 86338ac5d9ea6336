package distill

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/preprocess"
	"polylens/encoder/siglip2"
	"polylens/trainer/data/augment"
)

func distiller(t *testing.T, change func(*Config)) *Distiller {
	t.Helper()
	file := openGolden(t)
	if change != nil {
		change(&file.config)
	}
	d, err := New(file.config, file.model)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// blank are views of the right sizes.
func blank(d *Distiller, pictures int) [][][]float32 {
	views := make([][][]float32, pictures)
	for i := range views {
		views[i] = [][]float32{make([]float32, 3*square(d.model.Vision.Image))}
		for range d.config.locals() {
			views[i] = append(views[i], make([]float32, 3*square(d.local.Vision.Image)))
		}
	}
	return views
}

// TestMasks: as many patches of each picture as the share says, named twice
// alike, others in each batch and the same for the same batch, all of them some
// time.
func TestMasks(t *testing.T) {
	const pictures, batches = 3, 40
	d := distiller(t, func(c *Config) { c.Masked = 0.3 })
	patches := int(d.model.Vision.Patches())
	met := make([]int, patches)
	var previous []int64
	for batch := range uint64(batches) {
		inputs, err := d.Inputs(blank(d, pictures), 7, batch)
		if err != nil {
			t.Fatal(err)
		}
		again, err := d.Inputs(blank(d, pictures), 7, batch)
		if err != nil || !reflect.DeepEqual(inputs, again) {
			t.Fatalf("batch %d is another the second time (%v)", batch, err)
		}
		masked := inputs[maskedInput].Ints
		if slices.Equal(masked, previous) {
			t.Errorf("batches %d and %d have the same mask", batch-1, batch)
		}
		previous = masked
		of := make([]int, pictures)
		for i, value := range inputs[maskInput].Floats {
			if (value == 1) != slices.Contains(masked, int64(i)) {
				t.Errorf("batch %d, patch %d: mask and indexes disagree", batch, i)
			}
			if value == 1 {
				of[i/patches]++
				met[i%patches]++
			}
		}
		if want := int(math.Round(0.3 * float64(patches))); !reflect.DeepEqual(of, slices.Repeat([]int{want}, pictures)) {
			t.Errorf("batch %d: %v patches are masked, want %d of each picture", batch, of, want)
		}
	}
	mean := float64(batches*pictures) * 0.3
	if low, high := slices.Min(met), slices.Max(met); float64(low) < mean/2 || float64(high) > 2*mean {
		t.Errorf("patches are masked %d to %d times, want about %v", low, high, mean)
	}
}

func TestInputsNameWhatIsWrong(t *testing.T) {
	d := distiller(t, nil)
	few := blank(d, 2)
	few[1] = few[1][:2]
	small := blank(d, 2)
	small[1][0] = small[1][0][3:]
	for want, views := range map[string][][][]float32{"picture 1 of a batch has 2 views": few, "another size": small} {
		if _, err := d.Inputs(views, 1, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}

// TestViews: a view shows a part of the picture of the size that is asked for,
// each another, at the resolution that the tower takes.
func TestViews(t *testing.T) {
	const width, height = 200, 100
	picture := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			picture.SetNRGBA(x, y, color.NRGBA{uint8(x), uint8(y), 0, 255})
		}
	}
	d := distiller(t, func(c *Config) {
		c.LocalArea, c.GlobalArea = augment.Range{Low: 0.04, High: 0.09}, augment.Range{Low: 0.81, High: 0.81}
	})
	processor, err := preprocess.Parse([]byte(`{"image_processor_type": "SiglipImageProcessor", "size": {"height": 10, "width": 10},
		"resample": 2, "image_mean": [0, 0, 0], "image_std": [0.00392156862745098, 0.00392156862745098, 0.00392156862745098]}`))
	if err != nil {
		t.Fatal(err)
	}
	views, err := d.Views(augment.Options{}, processor, 1)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for step := range uint64(20) {
		for i, view := range views {
			pixels, err := view.Preprocessor.Process(view.Augmenter.Apply(picture, 0, step))
			if err != nil {
				t.Fatal(err)
			}
			side, low, high := 10, 0.7, 0.9
			if i > 0 {
				side, low, high = int(d.local.Vision.Image), 0.04, 0.09
			}
			if len(pixels.Values) != 3*side*side {
				t.Fatalf("view %d has %d values, want %d pixels a side", i, len(pixels.Values), side)
			}
			// Colours are places. What is between the middles of the outer pixels is
			// the share (side - 1) / side of what is shown.
			across := spread(pixels.Values[:side*side]) / width * float64(side) / float64(side-1)
			down := spread(pixels.Values[side*side:2*side*side]) / height * float64(side) / float64(side-1)
			if area := across * down; !(area > 0.8*low && area < 1.2*high) {
				t.Errorf("step %d, view %d shows %v of the picture", step, i, area)
			}
			seen[fmt.Sprint(pixels.Values)] = true
		}
	}
	if want := 20 * len(views); len(seen) < want-want/10 {
		t.Errorf("%d views show %d parts", want, len(seen))
	}
}

func spread(values []float32) float64 { return float64(slices.Max(values) - slices.Min(values)) }

func TestCheck(t *testing.T) {
	if err := Default().Check(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Config){
		"factor":              func(c *Config) { c.Factor = math.NaN() },
		"view":                func(c *Config) { c.View = -1 },
		"patch":               func(c *Config) { c.Patch = math.Inf(1) },
		"both 0":              func(c *Config) { c.View, c.Patch = 0, 0 },
		"from":                func(c *Config) { c.From = 1 },
		"local 0":             func(c *Config) { c.Local = 0 },
		"local_side":          func(c *Config) { c.LocalSide = -6 },
		"local_area":          func(c *Config) { c.LocalArea = augment.Range{Low: 0.5, High: 0.4} },
		"global_area":         func(c *Config) { c.GlobalArea = augment.Range{} },
		"masked":              func(c *Config) { c.Masked = 0 },
		"momentum":            func(c *Config) { c.Momentum = 1.1 },
		"last_momentum":       func(c *Config) { c.LastMomentum = -1 },
		"centre_momentum":     func(c *Config) { c.CentreMomentum = math.NaN() },
		"teacher_temperature": func(c *Config) { c.TeacherTemperature = 0 },
		"student_temperature": func(c *Config) { c.StudentTemperature = 0.01 },
		"prototypes":          func(c *Config) { c.Prototypes = 1 },
	} {
		config := Default()
		change(&config)
		if err := config.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
}

// TestLocalSide: 96 of 224 pixels as in DINO, whole patches of other models, and
// no side that they do not have.
func TestLocalSide(t *testing.T) {
	for _, test := range []struct{ image, patch, asked, want int64 }{
		{224, 16, 0, 96}, {224, 14, 0, 98}, {384, 14, 0, 168}, {256, 32, 0, 96}, {64, 8, 0, 24}, {24, 8, 0, 8},
		{224, 16, 112, 112}, {224, 16, 224, 224}, {224, 16, 100, 0}, {224, 16, 240, 0},
	} {
		model := siglip2.Config{}
		model.Vision.Image, model.Vision.Patch = siglip2.Side(test.image), siglip2.Side(test.patch)
		got, err := Config{LocalSide: test.asked}.localSide(model)
		if got != test.want || (err != nil) != (test.want == 0) {
			t.Errorf("%+v: %d pixels (%v)", test, got, err)
		}
	}
}

// TestMomentumAt: from one to the other along half a cosine, over the steps that
// distil.
func TestMomentumAt(t *testing.T) {
	c := Default()
	c.Momentum, c.LastMomentum, c.CentreMomentum = 0.9, 1, 0.5
	for done, want := range map[int64]float64{800: 0.9, 900: 0.95, 1000: 1} {
		if got := c.MomentumAt(done, 1000); math.Abs(got.Weights-want) > 1e-12 || got.Observed != 0.5 {
			t.Errorf("after %d of 1000 steps %+v, want %v", done, got, want)
		}
	}
	if start := c.Start(7); start != 6 {
		t.Errorf("of 7 steps %d come before, want 6", start)
	}
}
