package preprocess

import (
	"fmt"
	"image"
	"math"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	tests := []struct{ name, json, fault string }{
		{"official", `{"do_convert_rgb":null,"do_normalize":true,"do_rescale":true,"do_resize":true,"image_mean":[0.5,0.5,0.5],"image_processor_type":"SiglipImageProcessor","image_std":[0.5,0.5,0.5],"processor_class":"SiglipProcessor","resample":2,"rescale_factor":0.00392156862745098,"size":{"height":512,"width":512}}`, ""},
		{"all defaults", `{}`, ""},
		{"nulls are defaults", `{"size":null,"resample":null,"image_mean":null,"image_processor_type":null}`, ""},
		{"number for all channels", `{"image_mean":0.5,"image_std":0.25}`, ""},
		{"size as a list", `{"size":[3,4]}`, ""},
		{"fast class", `{"image_processor_type":"SiglipImageProcessorFast"}`, ""},
		{"not JSON", `{`, "not a readable"},
		{"NaFlex", `{"image_processor_type":"Siglip2ImageProcessorFast","size":null,"patch_size":16,"max_num_patches":256,"resample":2}`, ""},
		{"NaFlex defaults", `{"image_processor_type":"Siglip2ImageProcessor"}`, ""},
		{"another model", `{"image_processor_type":"CLIPImageProcessor"}`, "want SiglipImageProcessor or"},
		{"no patch", `{"image_processor_type":"Siglip2ImageProcessor","patch_size":0}`, "patch_size is 0"},
		{"no patches", `{"image_processor_type":"Siglip2ImageProcessor","max_num_patches":0}`, "max_num_patches is 0"},
		{"huge number of patches", `{"image_processor_type":"Siglip2ImageProcessor","max_num_patches":1000000}`, "want 1 to"},
		{"no resize", `{"do_resize":false}`, "do_resize is false"},
		{"crop", `{"do_center_crop":true}`, "do_center_crop"},
		{"pad", `{"do_pad":true}`, "do_pad"},
		{"unknown filter", `{"resample":6}`, "resample is 6"},
		{"negative filter", `{"resample":-1}`, "resample is -1"},
		{"shortest edge", `{"size":{"shortest_edge":224}}`, "want"},
		{"one number", `{"size":224}`, "want"},
		{"no width", `{"size":{"height":224}}`, "want"},
		{"zero size", `{"size":{"height":0,"width":224}}`, "want 1 to"},
		{"huge size", `{"size":{"height":224,"width":1000000}}`, "want 1 to"},
		{"two channels", `{"image_mean":[0.5,0.5]}`, "2 values"},
		{"zero std", `{"image_std":[0.5,0,0.5]}`, "not finite"},
		{"huge factor", `{"rescale_factor":1e300}`, "not finite"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.json))
			if tt.fault == "" && err != nil {
				t.Fatal(err)
			}
			if tt.fault != "" && (err == nil || !strings.Contains(err.Error(), tt.fault)) {
				t.Fatalf("error %v, want one that says %q", err, tt.fault)
			}
		})
	}
}

func TestParseOpenCLIP(t *testing.T) {
	const good = `"mean":[0.5,0.5,0.5],"std":[0.5,0.5,0.5],"resize_mode":"squash"`
	tests := []struct{ name, json, fault string }{
		{"exported", `{"size":[224,224],"mode":"RGB","interpolation":"bicubic","fill_color":0,` + good + `}`, ""},
		{"one size", `{"size":224,` + good + `}`, ""},
		{"defaults", `{"size":null,` + good + `}`, ""},
		{"not JSON", `{`, "not a readable"},
		{"gray", `{"mode":"L",` + good + `}`, `mode is "L"`},
		{"crop", `{"mean":0.5,"std":0.5}`, `resize_mode is "shortest"`},
		{"filter", `{"interpolation":"random",` + good + `}`, `interpolation is "random"`},
		{"zero size", `{"size":0,` + good + `}`, "want 1 to"},
		{"no mean", `{"resize_mode":"squash","std":0.5}`, "mean or std is missing"},
		{"zero std", `{"resize_mode":"squash","mean":0.5,"std":0}`, "not finite"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseOpenCLIP([]byte(tt.json))
			if tt.fault == "" && err != nil {
				t.Fatal(err)
			}
			if tt.fault != "" && (err == nil || !strings.Contains(err.Error(), tt.fault)) {
				t.Fatalf("error %v, want one that says %q", err, tt.fault)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"size":{"height":2,"width":3},"resample":3,"image_mean":[0,1,2],"image_std":1}`))
	f.Add([]byte(`{"size":[1,2],"resample":0,"do_rescale":false,"do_normalize":false}`))
	f.Add([]byte(`{"image_processor_type":"Siglip2ImageProcessor","patch_size":3,"max_num_patches":5}`))
	f.Fuzz(func(t *testing.T, data []byte) { processParsed(t, data, Parse) })
}

func FuzzParseOpenCLIP(f *testing.F) {
	f.Add([]byte(`{"size":[3,2],"mean":[0.5,0.5,0.5],"std":[0.5,0.5,0.5],"resize_mode":"squash","interpolation":"bilinear"}`))
	f.Add([]byte(`{"size":7,"mode":"RGB","mean":0.5,"std":0.5,"resize_mode":"squash"}`))
	f.Fuzz(func(t *testing.T, data []byte) { processParsed(t, data, ParseOpenCLIP) })
}

// processParsed uses whatever a parser accepts.
func processParsed(t *testing.T, data []byte, parse func([]byte) (*Processor, error)) {
	p, err := parse(data)
	if err != nil || p.MaxValues() > 1<<18 {
		return
	}
	checkProcess(t, p, image.NewGray(image.Rect(0, 0, 3, 2)))
}

// checkProcess wants as many values as the target has, all finite.
func checkProcess(t *testing.T, p *Processor, img image.Image) {
	t.Helper()
	w, h := p.Target(img.Bounds().Dx(), img.Bounds().Dy())
	got, err := p.Process(img)
	if err != nil || len(got.Values) != 3*w*h || len(got.Values) > p.MaxValues() {
		t.Fatalf("%d values for %dx%d, error %v", len(got.Values), w, h, err)
	}
	if side := p.PatchSize(); got.Rows*side*got.Columns*side*3 != len(got.Values) && p.Variable() {
		t.Errorf("%d x %d patches, %d values", got.Rows, got.Columns, len(got.Values))
	}
	for i, v := range got.Values {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			t.Fatalf("value %d is %g", i, v)
		}
	}
}

func FuzzProcess(f *testing.F) {
	for kind := range kinds {
		f.Add(uint8(kind), uint16(40*kind), uint16(3), uint64(kind), kind%2 == 0, uint8(20+kind))
	}
	f.Fuzz(func(t *testing.T, kind uint8, w, h uint16, seed uint64, variable bool, size uint8) {
		if int(w)*int(h) > 1<<17 {
			return
		}
		p := mustParse(t, fmt.Sprintf(`{"size":[%d,%d],"resample":%d}`, 1+size%50, 1+size%70, size%6))
		if variable {
			p = parseNaFlex(t, 1+int(size%16), 1+int(size))
		}
		checkProcess(t, p, randomPicture(int(kind), 1+int(w), 1+int(h), seed))
	})
}
