package learner

import (
	"slices"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
	"polylens/encoder/siglip2"
)

// start is the block of a tower that a step begins with: what is below it
// stays as it is, and is computed by a graph of its own that can be asked once
// for each item.
func (m Mode) start(lora LoRA, tower string) int64 {
	if m.adapters && slices.Contains(lora.Towers, tower) {
		return everything
	}
	if tower == "text" {
		return m.text
	}
	return m.vision
}

// visionShape is the shape of what enters a step for the pictures.
func visionShape(config siglip2.Config, plan Plan) []int64 {
	vision := config.Vision
	if config.NaFlex() {
		return patchesShape(config, plan)
	}
	switch plan.Mode.start(plan.LoRA, "vision") {
	case nothing:
		return []int64{plan.Pictures, int64(config.Dimension())}
	case everything:
		return []int64{plan.Pictures, vision.Channels, int64(vision.Image), int64(vision.Image)}
	default:
		return []int64{plan.Pictures * vision.Patches(), vision.Width}
	}
}

// textShape is the shape of what enters a step for the texts.
func textShape(config siglip2.Config, plan Plan) []int64 {
	length := plan.tokens(config)
	switch plan.Mode.start(plan.LoRA, "text") {
	case nothing:
		return []int64{plan.Texts, int64(config.Dimension())}
	case everything:
		return []int64{plan.Texts, length}
	case headOnly:
		return []int64{plan.Texts, config.Text.Width}
	default:
		return []int64{plan.Texts * length, config.Text.Width}
	}
}

// entryOutput is the output of the graphs below.
const entryOutput = "entry"

// openTextEntry opens what is below the trained part of the text tower; nil
// where the step takes token ids.
func (o opening) openTextEntry() (*ort.Session, error) {
	block := o.plan.Mode.start(o.plan.LoRA, "text")
	if block == everything {
		return nil, nil
	}
	return o.open("text_entry", func(g *graph.Graph) {
		ids := g.Input(siglip2.TextInput, graph.Int64, graph.Batch, o.config.Text.Length)
		options := siglip2.Options{Portable: o.plan.Portable}
		switch block {
		case nothing:
			g.Output(entryOutput, siglip2.Text(o.config, o.frozen(), options, ids))
		case headOnly:
			g.Output(entryOutput, siglip2.TextStates(o.config, o.frozen(), options, ids))
		default:
			g.Output(entryOutput, siglip2.TextBelow(o.config, o.frozen(), options, ids, block))
		}
	})
}

// openPictureEntry opens what is below the trained part of the vision tower;
// nil where the step takes pixels.
func (o opening) openPictureEntry() (*ort.Session, error) {
	block := o.plan.Mode.start(o.plan.LoRA, "vision")
	if block == everything {
		return nil, nil
	}
	return o.open("picture_entry", func(g *graph.Graph) {
		picture, options := siglip2.VisionInputs(g, o.config), siglip2.Options{Portable: o.plan.Portable}
		if block == nothing {
			g.Output(entryOutput, siglip2.Vision(o.config, o.frozen(), options, picture))
			return
		}
		g.Output(entryOutput, siglip2.VisionBelow(o.config, o.frozen(), options, picture, block))
	})
}

func (o opening) open(name string, compose func(*graph.Graph)) (*ort.Session, error) {
	g, err := graph.Build(name, compose)
	if err != nil {
		return nil, err
	}
	return o.environment.NewSession(o.model(g), o.options)
}
