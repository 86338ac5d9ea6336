package learner

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
)

// Learner is a model that is trained. Its methods may not be called at the
// same time.
type Learner struct {
	State   *State
	Teacher *Teacher // nil where no objective of the steps has one

	plan           Plan
	index          *safetensors.Index
	step           *ort.Session
	texts          *ort.Session // what is below the trained part; nil for none
	pictures       *ort.Session
	textEncoder    encoder
	pictureEncoder encoder
	across         across
	inputs         []ort.Port
	reports        []string
}

// Batch is what one step looks at.
type Batch struct {
	Texts    ort.Tensor // of EnterTexts
	Pictures ort.Tensor // of EnterPictures
	Targets  []float32  // [T, B], how well each text describes each picture, 0 to 1
	// Grids are those of the pictures of a model of native aspect ratio, of
	// EnterPatches.
	Grids []siglip2.Grid
	// Number decides which patches are looked at, where the plan leaves some out:
	// the same ones for the same number.
	Number uint64
	// Extra are the inputs that objectives have declared, by name.
	Extra map[string]ort.Tensor

	kept map[string]ort.Tensor // see shorten
}

// opening is what the sessions of a learner are made of.
type opening struct {
	environment *ort.Environment
	config      siglip2.Config
	index       *safetensors.Index
	plan        Plan
	options     ort.Options
}

// frozen gives the weights as they are stored. Each graph needs its own.
func (o opening) frozen() siglip2.Parameters { return unchecked{siglip2.Stored(o.index)} }

// unchecked hides that the stored weights can report which of them no graph has used:
// a part of the model uses only a part of them.
type unchecked struct{ siglip2.Parameters }

func (o opening) model(g *graph.Graph) ort.Model {
	return ort.Model{Graph: g.Encode(), Folder: o.index.Dir, Inputs: ports(g.Inputs), Outputs: ports(g.Outputs)}
}

// Open prepares to train the model in index. seed decides the first values of
// parameters that the checkpoint does not have. Close frees the learner.
func Open(environment *ort.Environment, config siglip2.Config, index *safetensors.Index, plan Plan, options ort.Options, seed uint64) (*Learner, error) {
	plan.Accumulate = plan.Accumulate || plan.Parts > 0
	o := opening{environment, config, index, plan, options}
	first, whole, err := o.steps()
	if err != nil {
		return nil, err
	}
	if err := checkState(whole.trained); err != nil {
		return nil, err
	}
	l := &Learner{
		State: newState(whole.trained), plan: plan, index: index,
		textEncoder:    encoder{opening: o, entry: textEntry, compose: (*Composition).texts},
		pictureEncoder: encoder{opening: o, entry: pictureEntry, compose: (*Composition).pictures},
	}
	if err := l.load(index, seed); err != nil {
		return nil, err
	}
	if err := l.open(o, first); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Learner) open(o opening, first step) (err error) {
	if err := l.use(o, first); err != nil {
		return err
	}
	if l.texts, err = o.openTextEntry(); err != nil {
		return err
	}
	if l.pictures, err = o.openPictureEntry(); err != nil {
		return err
	}
	return l.across.open(o)
}

func ports(values []*graph.Value) []ort.Port {
	list := make([]ort.Port, len(values))
	for i, value := range values {
		list[i] = ort.Port{Name: value.Name, Shape: value.Shape, Type: ort.ElementType(value.DType)}
	}
	return list
}

// load reads the parameters that the checkpoint has and starts the others.
func (l *Learner) load(index *safetensors.Index, seed uint64) error {
	for i, parameter := range l.State.Parameters {
		if parameter.start != nil {
			parameter.start(l.State.Weight(i), randomFor(seed, parameter.Name))
			continue
		}
		if err := index.ReadRows(parameter.Name, 0, l.State.Weight(i)); err != nil {
			return err
		}
	}
	return nil
}

// randomFor depends on the name, so that a parameter starts alike whatever
// else is trained.
func randomFor(seed uint64, name string) Random {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(name)) // never fails
	return rand.New(rand.NewPCG(seed, hash.Sum64()))
}

// EnterTexts computes what enters a step for token ids [n, L], any number of
// them. It depends on nothing that is trained, so it may be kept.
func (l *Learner) EnterTexts(ctx context.Context, ids ort.Tensor) (ort.Tensor, error) {
	return enter(ctx, l.texts, ids)
}

// EnterPictures computes what enters a step for pixels [n, 3, R, R], likewise.
func (l *Learner) EnterPictures(ctx context.Context, pixels ort.Tensor) (ort.Tensor, error) {
	return enter(ctx, l.pictures, pixels)
}

func enter(ctx context.Context, below *ort.Session, items ort.Tensor) (ort.Tensor, error) {
	if below == nil {
		return items, nil
	}
	results, err := below.Run(ctx, items)
	if err != nil {
		return ort.Tensor{}, err
	}
	return results[0], nil
}

// Step computes the loss of a batch and the gradients of all parameters, into
// the state. It returns the loss and what objectives report, by name; the loss
// is called "loss".
func (l *Learner) Step(ctx context.Context, batch Batch) (map[string]float64, error) {
	reports := make([][]float32, len(l.reports))
	var outputs []ort.Tensor
	for i := range reports {
		reports[i] = make([]float32, 1)
		outputs = append(outputs, ort.Floats(reports[i], 1))
	}
	for i, parameter := range l.State.Parameters[:l.State.Active] {
		if t := l.State.tableOf(parameter.Name); t != nil && !l.plan.Accumulate {
			t.clean(l.State.Gradients)
		}
		outputs = append(outputs, ort.Floats(l.State.Gradient(i), parameter.Shape...))
	}
	if l.Teacher != nil {
		outputs = append(outputs, l.Teacher.observe()...)
	}
	l.shorten(&batch)
	l.State.touch(batch)
	inputs, err := l.tensors(batch)
	if err != nil {
		return nil, err
	}
	if err := l.step.RunInto(ctx, inputs, outputs); err != nil {
		return nil, err
	}
	for _, t := range l.State.tables {
		t.hold(l.State.Gradients)
	}
	return l.named(reports), nil
}

func (l *Learner) named(reports [][]float32) map[string]float64 {
	values := map[string]float64{}
	for i, name := range l.reports {
		if name != orderOutput {
			values[name] = float64(reports[i][0])
		}
	}
	return values
}

// tensors are the inputs of a step in the order of its ports.
func (l *Learner) tensors(batch Batch) ([]ort.Tensor, error) {
	given := l.weights()
	given[textEntry], given[pictureEntry] = batch.Texts, batch.Pictures
	given[targetsInput] = ort.Floats(batch.Targets, l.plan.Texts, l.plan.Pictures)
	maps.Copy(given, batch.kept)
	l.giveKept(given, batch.Number)
	if err := l.giveGrids(given, batch.Grids); err != nil {
		return nil, err
	}
	for i, parameter := range l.State.Parameters {
		given[sumFor+parameter.Name] = ort.Floats(l.State.Gradient(i), parameter.Shape...)
	}
	if l.Teacher != nil {
		l.Teacher.give(given)
	}
	tensors := make([]ort.Tensor, len(l.inputs))
	for i, port := range l.inputs {
		tensor, ok := given[port.Name]
		if extra, isExtra := batch.Extra[port.Name]; isExtra {
			tensor, ok = extra, true
		}
		if !ok {
			return nil, fmt.Errorf("the batch lacks the input %q of an objective", port.Name)
		}
		tensors[i] = tensor
	}
	return tensors, nil
}

// Value is the value of a trained scalar, 0 if there is none of that name.
func (l *Learner) Value(name string) float64 {
	for i, parameter := range l.State.Parameters {
		if parameter.Name == name {
			return float64(l.State.Weight(i)[0])
		}
	}
	return 0
}

// ChangesPictures reports whether pictures get other vectors than before.
func (l *Learner) ChangesPictures() bool { return l.plan.Mode.ChangesPictures(l.plan.LoRA) }

// Close frees the sessions.
func (l *Learner) Close() error {
	var errs []error
	for _, session := range []*ort.Session{l.step, l.texts, l.pictures, l.textEncoder.session, l.pictureEncoder.session} {
		if session != nil {
			errs = append(errs, session.Close())
		}
	}
	if l.Teacher != nil {
		errs = append(errs, l.Teacher.close())
	}
	return errors.Join(append(errs, l.across.close())...)
}
