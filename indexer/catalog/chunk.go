package catalog

// Chunk is a piece of a push that one worker does under a lease. The chunks of a lane are
// done one after the other, in order of their numbers: items with one identity all
// stand in one lane.
type Chunk struct {
	Job     string `json:"-"`
	Number  int    `json:"number"`
	Lane    int    `json:"lane"`
	Items   int    `json:"items"`
	First   int64  `json:"first"`   // number of its first item
	Last    int64  `json:"last"`    // of its last; those between may be of other chunks
	Content string `json:"content"` // name of the blob that holds its lines

	Lease  string `json:"-"` // fencing token of its worker; empty: none
	Losses int    `json:"-"` // workers that fell silent over it, one after the other
}

// PushCounts add up what became of the items of a push.
type PushCounts struct {
	Total     int `json:"total"`
	Created   int `json:"created"`
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
	Deleted   int `json:"deleted"`
	Failed    int `json:"failed"`
}

// Done is how many items have an outcome.
func (c PushCounts) Done() int {
	return c.Created + c.Updated + c.Unchanged + c.Deleted + c.Failed
}

// Add counts one more outcome.
func (c *PushCounts) Add(outcome Outcome) {
	switch outcome {
	case OutcomeCreated:
		c.Created++
	case OutcomeUpdated:
		c.Updated++
	case OutcomeUnchanged:
		c.Unchanged++
	case OutcomeDeleted:
		c.Deleted++
	case OutcomeFailed:
		c.Failed++
	}
}
