package learner

import "errors"

// steps composes the steps that training begins with, and those that it ends
// with: they differ where the plan has late objectives.
func (o opening) steps() (first, whole step, err error) {
	if first, err = compose(o.config, o.frozen(), o.plan); err != nil || len(o.plan.Late) == 0 {
		return first, first, err
	}
	if first.teacher != nil {
		return first, first, errors.New("an objective has a teacher from the start, and others come late: they would share it, so let all of these come late")
	}
	whole, err = compose(o.config, o.frozen(), o.plan.whole())
	return first, whole, err
}

// StartLate lets the late objectives of the plan take part in the steps from
// now on. Their teacher follows the weights from what they are now. It is called
// once; after an error the learner can only be closed.
//
// A run that goes on from behind this point calls it too, once it has its
// weights again, and then restores Teacher.Values.
func (l *Learner) StartLate() error {
	if len(l.plan.Late) == 0 {
		return errors.New("the plan has no late objectives that do not take part yet")
	}
	l.plan = l.plan.whole()
	o := l.textEncoder.opening
	o.plan = l.plan
	whole, err := compose(o.config, o.frozen(), o.plan)
	if err != nil {
		return err
	}
	return l.use(o, whole)
}

// use switches the learner to the composed steps. Sessions of the earlier steps are
// closed first: nothing is in memory twice.
func (l *Learner) use(o opening, s step) (err error) {
	if l.step != nil {
		if err := l.step.Close(); err != nil {
			return err
		}
	}
	literal := o.options
	literal.Literal, literal.Lean = true, true
	if l.step, err = o.environment.NewSession(o.model(s.graph), literal); err != nil {
		return err
	}
	l.inputs, l.reports, l.State.Active = ports(s.graph.Inputs), s.reports, len(s.trained)
	if s.teacher == nil || l.Teacher != nil { // that of the steps before goes on
		return nil
	}
	if l.Teacher, err = newTeacher(s.teacher, l.State); err != nil {
		return err
	}
	l.Teacher.follower, err = o.openFollower()
	return err
}
