package judge

import (
	"strings"
	"testing"

	"polylens/trainer/evaluate"
)

// TestMaterial: texts are searched for, classes are guessed, and at least one of
// them must be there.
func TestMaterial(t *testing.T) {
	classes := &evaluate.Classes{Classes: []evaluate.Class{
		{Label: "first", Prompts: map[string][]string{"en": {"picture 1"}}},
		{Label: "second", Prompts: map[string][]string{"en": {"picture 2"}}},
	}}
	var labelled Material
	for i, label := range []string{"first", "second"} {
		labelled.Add(label, nil, []string{label})
		labelled.Vectors = append(labelled.Vectors, numbered{}.vector(i+1))
	}
	if _, err := labelled.Evaluate(t.Context(), numbered{}, nil, nil, nil); err == nil || !strings.Contains(err.Error(), "no picture has a text") {
		t.Errorf("no texts and no classes give %v", err)
	}
	report, err := labelled.Evaluate(t.Context(), numbered{}, nil, classes, nil)
	if err != nil || len(report) != 1 || report[0].Direction != evaluate.ZeroShot || report[0].R1 != 1 {
		t.Errorf("classes give %+v, %v", report, err)
	}
	texts := NewMaterial([]Picture{
		{Texts: []evaluate.Text{{Language: "en", Text: "picture 1"}, {Language: "de", Text: "picture 2"}}, Labels: []string{"first"}},
		{Texts: []evaluate.Text{{Language: "en", Text: "picture 2"}}, Labels: []string{"second"}},
	}, labelled.Vectors, []string{"en"})
	report, err = texts.Evaluate(t.Context(), numbered{}, nil, classes, nil)
	if err != nil || len(report) != 3 || report[0].Language != "en" || report[0].R1 != 1 || report[2].Direction != evaluate.ZeroShot {
		t.Errorf("texts in English and classes give %+v, %v", report, err)
	}
}
