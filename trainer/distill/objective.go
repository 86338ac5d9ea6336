package distill

import (
	"polylens/encoder/graph"
	"polylens/encoder/siglip2"
	"polylens/trainer/learner"
)

// Names under which a step reports its losses, without weights, and the mean
// entropy of what the teacher says of global views, or of patches where there
// are no local views.
const (
	ViewReport    = "distill_view_loss"
	PatchReport   = "distill_patch_loss"
	TeacherReport = "distill_teacher_entropy"
)

// Names of the parameters, and the heads with what they are compared by.
const (
	viewHead  = Prefix + "view."
	patchHead = Prefix + "patch."
	centre    = "centre"
	maskToken = Prefix + "mask_token"
)

// Names of the inputs of a step: B pictures of R pixels a side, with N patches,
// V local views of r pixels a side for each, M masked patches in all.
const (
	globalInput = Prefix + "global" // float32 [B, 3, R, R]
	localInput  = Prefix + "local"  // float32 [B V, 3, r, r], those of the first picture first
	maskInput   = Prefix + "mask"   // float32 [B N, 1], 1 where the mask token takes the place of the patch
	maskedInput = Prefix + "masked" // int64 [M], where that is, of B N
)

// Prefixes of the intermediates of each passage of pictures through the tower.
const (
	localPass   = Prefix + "local."
	maskedPass  = Prefix + "masked."
	teacherPass = Prefix + "teacher."
)

// Distiller is an objective of training: the vision tower learns from a slow
// average of itself.
type Distiller struct {
	config Config
	model  siglip2.Config
	local  siglip2.Config // the model at the resolution of local views
}

// New prepares to distil a model of fixed resolution.
func New(config Config, model siglip2.Config) (*Distiller, error) {
	if err := config.Check(); err != nil {
		return nil, err
	}
	side, err := config.localSide(model)
	if err != nil {
		return nil, err
	}
	d := &Distiller{config: config, model: model, local: model}
	d.local.Vision.Image = siglip2.Side(side)
	return d, nil
}

// Compose adds the losses to a step. The vision tower has to be trained.
func (d *Distiller) Compose(c *learner.Composition) *graph.Value {
	if !c.Plan.Mode.ChangesPictures(c.Plan.LoRA) {
		graph.Fail("distill", "mode %q leaves the vision tower as it is, so it cannot learn from itself: train it, or set distill.factor to 0", c.Plan.Mode)
	}
	s := &step{Distiller: d, Composition: c}
	s.global = c.Graph.Input(globalInput, graph.Float32, s.pixels(c.Plan.Pictures, d.model)...)
	var local, masked *graph.Value
	if d.config.View > 0 {
		local = s.seenLocally()
	}
	if d.config.Patch > 0 {
		masked = s.seenMasked()
	}
	losses := s.compare(local, masked)
	return graph.Mul(losses, c.Graph.Floats(graph.Shape{1}, float32(d.config.Factor)))
}

// step is a step that is being composed.
type step struct {
	*Distiller
	*learner.Composition
	global *graph.Value // pixels
	masked *graph.Value // indexes of patches
}

func (s *step) pixels(count int64, model siglip2.Config) []int64 {
	side := int64(model.Vision.Image)
	return []int64{count, model.Vision.Channels, side, side}
}

// see passes pictures through the tower.
func (s *step) see(pass string, model siglip2.Config, weights siglip2.Parameters, pixels *graph.Value, revise func(*graph.Value) *graph.Value) {
	options := siglip2.Options{Portable: s.Plan.Portable, Prefix: pass, Revise: revise}
	siglip2.Vision(model, weights, options, siglip2.Picture{Pixels: pixels})
}

// marked is an intermediate of a passage.
func (s *step) marked(name string) *graph.Value {
	value, ok := s.Graph.Marked(name)
	if !ok {
		graph.Fail("distill", "the tower has no %q", name)
	}
	return value
}

// seenLocally gives the student's cosines of local views: [B V, K].
func (s *step) seenLocally() *graph.Value {
	pixels := s.Graph.Input(localInput, graph.Float32, s.pixels(s.Plan.Pictures*s.config.Local, s.local)...)
	s.see(localPass, s.local, reduced{s.Parameters(), s.model.Vision}, pixels, nil)
	s.Further(localPass, s.model.Vision.Layers)
	return s.config.scores(viewHead, s.marked(localPass+pooled), s.Trained)
}

// seenMasked gives the student's cosines of masked patches: [M, K].
func (s *step) seenMasked() *graph.Value {
	patches := s.Plan.Pictures * s.model.Vision.Patches()
	mask := s.Graph.Input(maskInput, graph.Float32, patches, 1)
	s.masked = s.Graph.Input(maskedInput, graph.Int64, s.Plan.Pictures*s.maskedPatches())
	s.see(maskedPass, s.model, s.Parameters(), s.global, func(rows *graph.Value) *graph.Value { return s.hide(rows, mask) })
	s.Further(maskedPass, s.model.Vision.Layers)
	return s.config.scores(patchHead, s.tokens(maskedPass), s.Trained)
}

// hide puts the mask token in the place of embedded patches [B N, D], at their
// positions: all would be alike otherwise.
func (s *step) hide(rows, mask *graph.Value) *graph.Value {
	n, width := s.model.Vision.Patches(), s.model.Vision.Width
	token := graph.Add(s.positions(), s.Trained(maskToken, normal, width)) // [N, D]
	shape := rows.Shape
	rows = graph.Reshape(rows, s.Plan.Pictures, n, width)
	mask = graph.Reshape(mask, s.Plan.Pictures, n, 1)
	return graph.Reshape(graph.Add(rows, graph.Mul(mask, graph.Sub(token, rows))), shape...)
}

func (s *step) positions() *graph.Value {
	table := s.Parameters().Parameter(s.Graph, positionTable, s.model.Vision.Patches(), s.model.Vision.Width)
	return graph.Cast(table, graph.Float32)
}

// tokens are those of the masked patches behind the last block: [M, D].
func (s *step) tokens(pass string) *graph.Value {
	return graph.Gather(s.marked(pass+siglip2.LastHiddenState), s.masked)
}

// compare lets the teacher look and gives the weighted losses: [1].
func (s *step) compare(local, masked *graph.Value) *graph.Value {
	s.see(teacherPass, s.model, s.Teacher(), s.global, nil)
	var total, entropy *graph.Value
	if masked != nil {
		of := s.taught(patchHead, s.tokens(teacherPass))
		total, entropy = s.count(PatchReport, s.config.unlikelihood(of, masked, 1), s.config.Patch), of.entropy
	}
	if local != nil {
		of := s.taught(viewHead, s.marked(teacherPass+pooled))
		loss := s.count(ViewReport, s.config.unlikelihood(of, local, s.config.Local), s.config.View)
		if entropy = of.entropy; total != nil {
			loss = graph.Add(total, loss)
		}
		total = loss
	}
	s.Report(TeacherReport, entropy)
	return total
}

// taught is what the teacher answers to features [M, D].
func (s *step) taught(head string, features *graph.Value) answer {
	cosines := s.config.scores(head, features, func(name string, _ start, shape ...int64) *graph.Value {
		return s.Teacher().Parameter(s.Graph, name, shape...)
	})
	mean := graph.ReduceMean(cosines, false, 0)
	return s.config.sharpened(cosines, s.Average(head+centre, mean))
}

// count reports a loss and weighs it.
func (s *step) count(report string, loss *graph.Value, weight float64) *graph.Value {
	s.Report(report, loss)
	return graph.Mul(loss, s.Graph.Floats(graph.Shape{1}, float32(weight)))
}
