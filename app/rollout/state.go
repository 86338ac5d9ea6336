package rollout

// State is where a data folder stands between two models.
type State string

const (
	Steady    State = "steady"    // one model encodes and is searched with
	Preparing State = "preparing" // another one encodes beside it, to be searched with later
)

// event is what moves a data folder from one state to another.
type event string

const (
	use      event = "use"       // a model whose vectors are all there
	prepare  event = "prepare"   // a model whose vectors are not
	flip     event = "flip"      // the prepared model takes over
	giveUp   event = "give up"   // the prepared model is forgotten
	rollBack event = "roll back" // to the model before
)

// moves holds every transition. The package's documentation draws it.
var moves = map[State]map[event]State{
	Steady:    {use: Steady, prepare: Preparing, rollBack: Steady},
	Preparing: {flip: Steady, giveUp: Steady},
}

// may reports whether an event is allowed in a state.
func (s State) may(e event) bool {
	_, known := moves[s][e]
	return known
}
