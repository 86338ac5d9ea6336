package learner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
	"polylens/trainer/autodiff"
)

// Targets says how well a text describes each picture of all parts: it sets row
// [B * parts], zeros before, to numbers from 0 to 1. Texts and pictures are
// counted over all parts, those of the first part first.
type Targets func(text int, row []float32)

// StepAcross computes the loss of one large batch that is given in Plan.Parts
// parts, and its gradients into the state. Every text is compared with the
// pictures of all parts; objectives look at each part by itself. It needs the
// memory of one part, and one forward pass more than Step: vectors are computed
// first, then the loss and its derivatives with respect to them, and with these
// the gradients, part by part (GradCache, Gao et al. 2021, arXiv 2101.06983).
//
// As with Step called for each part, the state then holds a sum: the gradients
// of the mean loss times the number of parts. What is returned are means.
func (l *Learner) StepAcross(ctx context.Context, parts []Batch, targets Targets) (map[string]float64, error) {
	if int64(len(parts)) != l.plan.Parts {
		return nil, fmt.Errorf("%d parts of a batch are given where the plan has %d", len(parts), l.plan.Parts)
	}
	l.State.ClearGradients()
	all, err := l.vectors(ctx, parts)
	if err != nil {
		return nil, err
	}
	sum, err := l.across.derive(ctx, l, all, targets)
	if err != nil {
		return nil, fmt.Errorf("the loss across the parts of a batch: %w", err)
	}
	means := map[string]float64{lossOutput: sum / float64(len(parts))}
	for i, part := range parts {
		reports, err := l.Step(ctx, l.across.seed(part, all, i))
		if err != nil {
			return nil, err
		}
		for name, value := range reports {
			means[name] += value / float64(len(parts))
		}
	}
	return means, nil
}

// Embed computes the unit vectors [T, D] and [B, D] of a batch with the weights
// as they are now. T and B may be any numbers.
func (l *Learner) Embed(ctx context.Context, batch Batch) (texts, pictures ort.Tensor, err error) {
	if texts, err = l.encode(ctx, &l.textEncoder, map[string]ort.Tensor{textEntry: batch.Texts}); err != nil {
		return texts, pictures, err
	}
	pictures, err = l.embedPictures(ctx, batch)
	return texts, pictures, err
}

// acrossVectors are the vectors of all parts one after the other, and the
// derivatives of the loss with respect to them.
type acrossVectors struct {
	texts, pictures   []float32
	dTexts, dPictures []float32
}

func (l *Learner) vectors(ctx context.Context, parts []Batch) (*acrossVectors, error) {
	all := &acrossVectors{}
	for _, part := range parts {
		texts, pictures, err := l.embedPart(ctx, part)
		if err != nil {
			return nil, err
		}
		all.texts, all.pictures = append(all.texts, texts.Floats...), append(all.pictures, pictures.Floats...)
	}
	all.dTexts, all.dPictures = make([]float32, len(all.texts)), make([]float32, len(all.pictures))
	return all, nil
}

// embedPart is Embed of what a step looks at: the vectors whose derivatives the
// gradients are computed with must be those of the step.
func (l *Learner) embedPart(ctx context.Context, part Batch) (texts, pictures ort.Tensor, err error) {
	l.shorten(&part)
	given := map[string]ort.Tensor{textEntry: part.Texts, pictureEntry: part.Pictures}
	maps.Copy(given, part.kept)
	l.giveKept(given, part.Number)
	with := &l.textEncoder
	if part.kept != nil {
		with = &l.across.texts
	}
	if texts, err = l.encode(ctx, with, given); err != nil {
		return texts, pictures, err
	}
	if _, some := given[patchesInput]; some {
		pictures, err = l.encode(ctx, &l.across.pictures, given)
	} else {
		pictures, err = l.embedPictures(ctx, part)
	}
	return texts, pictures, err
}

// receive gives the vectors of a part the derivatives of the loss across parts,
// as inputs. Its parameters are of the part too, so that they are trained.
func (c *Composition) receive() {
	c.temperature()
	for _, side := range []struct {
		name    string
		vectors *graph.Value
	}{{textEntry, c.Texts}, {pictureEntry, c.Pictures}} {
		if side.vectors.Producer == nil { // what enters is the vectors: nothing below is trained
			continue
		}
		derivative := c.Graph.Input(derivativeOf+side.name, graph.Float32, side.vectors.Shape...)
		c.derived, c.derivatives = append(c.derived, side.vectors), append(c.derivatives, derivative)
	}
}

// across computes the loss of the vectors of all parts, for some texts and all
// pictures at a time, so that their logits never exist whole.
type across struct {
	plan    Plan
	width   int64
	rows    int64 // texts at a time
	session *ort.Session

	texts, pictures encoder // of what the steps look at, where that is not all
}

func (a *across) close() error {
	var errs []error
	for _, session := range []*ort.Session{a.session, a.texts.session, a.pictures.session} {
		if session != nil {
			errs = append(errs, session.Close())
		}
	}
	return errors.Join(errs...)
}

// Inputs and outputs beside those of a step.
const (
	textVectors    = "text vectors"    // [n, D]
	pictureVectors = "picture vectors" // [B, D]
)

// acrossLogits is how many logits exist at a time.
const acrossLogits = 1 << 20

func (a *across) open(o opening) error {
	if o.plan.Parts == 0 {
		return nil
	}
	a.plan, a.width = o.plan, int64(o.config.Dimension())
	a.texts = encoder{opening: o, entry: textEntry, compose: (*Composition).texts, asStep: true}
	a.pictures = encoder{opening: o, entry: pictureEntry, compose: (*Composition).pictures, asStep: true}
	texts, pictures := a.plan.Parts*a.plan.Texts, a.plan.Parts*a.plan.Pictures
	a.rows = min(texts, max(1, acrossLogits/pictures))
	g, err := graph.Build("across", func(g *graph.Graph) { a.compose(g, pictures) })
	if err != nil {
		return err
	}
	a.session, err = o.environment.NewSession(o.model(g), o.options)
	return err
}

// compose adds the derivatives to sums, but for those of the texts, of which
// each is met once.
func (a *across) compose(g *graph.Graph, pictures int64) {
	values := []*graph.Value{
		g.Input(textVectors, graph.Float32, graph.Batch, a.width),
		g.Input(pictureVectors, graph.Float32, pictures, a.width),
		g.Input(logitScale, graph.Float32, 1),
		g.Input(logitBias, graph.Float32, 1),
	}
	targets := g.Input(targetsInput, graph.Float32, graph.Batch, pictures)
	into := make([]*graph.Value, len(values))
	for i, value := range values[1:] {
		into[i+1] = g.Input(sumFor+value.Name, graph.Float32, value.Shape...)
	}
	loss := sigmoid(values[0], values[1], targets, values[2], values[3], a.plan.Pictures)
	g.Output(lossOutput, loss)
	for i, gradient := range autodiff.Gradients(loss, values, autodiff.Options{Into: into}) {
		g.Output(gradientOf+values[i].Name, gradient)
	}
}

// derive fills in the derivatives with respect to the vectors, adds those with
// respect to the loss's own parameters to the state, and returns the loss.
func (a *across) derive(ctx context.Context, l *Learner, all *acrossVectors, targets Targets) (loss float64, err error) {
	scale, bias := l.scalar(logitScale), l.scalar(logitBias)
	pictures, texts := a.plan.Parts*a.plan.Pictures, a.plan.Parts*a.plan.Texts
	d := ort.Floats(all.dPictures, pictures, a.width)
	for start := int64(0); start < texts; start += a.rows {
		count := min(a.rows, texts-start)
		wanted := make([]float32, count*pictures)
		for i := range count {
			targets(int(start+i), wanted[i*pictures:(i+1)*pictures])
		}
		some := func(values []float32) ort.Tensor {
			return ort.Floats(values[start*a.width:(start+count)*a.width], count, a.width)
		}
		part := make([]float32, 1)
		err := a.session.RunInto(ctx,
			[]ort.Tensor{some(all.texts), ort.Floats(all.pictures, pictures, a.width), scale.weight, bias.weight, ort.Floats(wanted, count, pictures), d, scale.gradient, bias.gradient},
			[]ort.Tensor{ort.Floats(part, 1), some(all.dTexts), d, scale.gradient, bias.gradient})
		if err != nil {
			return 0, err
		}
		loss += float64(part[0])
	}
	return loss, nil
}

// seed is a part with the derivatives of its own vectors.
func (a *across) seed(part Batch, all *acrossVectors, number int) Batch {
	part.Extra = maps.Clone(part.Extra)
	if part.Extra == nil {
		part.Extra = map[string]ort.Tensor{}
	}
	part.Extra[derivativeOf+textEntry] = a.rowsOf(all.dTexts, number, a.plan.Texts)
	part.Extra[derivativeOf+pictureEntry] = a.rowsOf(all.dPictures, number, a.plan.Pictures)
	return part
}

func (a *across) rowsOf(values []float32, part int, rows int64) ort.Tensor {
	size := int(rows * a.width)
	return ort.Floats(values[part*size:(part+1)*size], rows, a.width)
}

// scalar is a parameter of one value with its gradient.
type scalar struct{ weight, gradient ort.Tensor }

func (l *Learner) scalar(name string) scalar {
	i := slices.IndexFunc(l.State.Parameters, func(p Parameter) bool { return p.Name == name })
	return scalar{ort.Floats(l.State.Weight(i), 1), ort.Floats(l.State.Gradient(i), 1)}
}
