package drive

import (
	"context"
	"errors"
	"time"

	"undertone/app/internal/prove/plan"
	"undertone/app/internal/prove/record"
)

// segment records a segment. An act that belongs to it happens soon after its start.
func (r *run) segment(ctx context.Context, s plan.Step) error {
	r.tell(s.Label, r.cfg.Size.Lasts(r.steps))
	lost := r.lost()
	from := time.Since(r.started)
	early := time.Duration(0)
	if s.Act != plan.Nothing {
		early = r.cfg.Size.Length / 10
		if err := r.wait(ctx, early); err != nil {
			return err
		}
		if err := r.act(s.Act); err != nil {
			return err
		}
	}
	// Timers are late, and segments shall be equally long.
	if err := r.wait(ctx, r.cfg.Size.Length-(time.Since(r.started)-from)); err != nil {
		return err
	}
	if r.lost() > lost {
		r.result.Dropped++
		return errors.New("the line was lost")
	}
	if !r.is(s) {
		r.result.Dropped++
		return errors.New("the call ended, or another came")
	}
	r.labels.Segments = append(r.labels.Segments, record.Segment{
		Label: s.Label, Call: s.Call(), Control: s.Control, From: from, To: from + r.cfg.Size.Length,
	})
	return nil
}

// is reports whether the state is that of a segment, as far as it is known.
func (r *run) is(s plan.Step) bool {
	switch s.Label {
	case plan.Idle:
		return !r.client.busy && !r.partner.busy
	case plan.Talk, plan.Silence:
		return r.client.busy && r.partner.busy
	case plan.RingingOut, plan.RingingIn:
		return r.client.busy || r.partner.busy
	}
	return true // It changes within.
}

// act gives the orders of an act.
func (r *run) act(a plan.Act) error {
	client, partner := r.client.order, r.partner.order
	both := func(do string) error { return errors.Join(client(do), partner(do)) }
	var err error
	switch a {
	case plan.Nothing, plan.AwaitsIdle:
	case plan.Calls:
		err = client(doCall)
	case plan.Called:
		err = partner(doCall)
	case plan.Answers:
		err = client(doAnswer)
	case plan.Answered:
		err = partner(doAnswer)
	case plan.Declines:
		err = client(doDecline)
	case plan.Declined:
		err = partner(doDecline)
	case plan.HangsUp:
		err = client(doHangup)
	case plan.HungUp:
		err = partner(doHangup)
	case plan.Speaks:
		err = both(doSpeak)
	case plan.Hushes:
		err = both(doHush)
	}
	if err != nil {
		return &goneError{err}
	}
	return nil
}

// done waits until an act has its effect.
func (r *run) done(ctx context.Context, a plan.Act) error {
	var who *child
	most := replyFor
	switch a {
	case plan.Calls:
		r.client.busy = true // Whoever calls is told nothing until somebody answers.
		who = r.partner
	case plan.Called:
		r.partner.busy = true
		who = r.client
	case plan.Answers, plan.Answered:
		r.client.talking, r.partner.talking = false, false
		for _, c := range []*child{r.client, r.partner} {
			if err := c.await(ctx, most, func() bool { return c.talking }); err != nil {
				return err
			}
		}
		return nil
	case plan.AwaitsIdle:
		const ringTime = 40 * time.Second
		for _, c := range []*child{r.client, r.partner} {
			if err := c.await(ctx, ringTime, func() bool { return !c.busy }); err != nil {
				return err
			}
		}
		return nil
	default:
		return nil
	}
	return who.await(ctx, most, func() bool { return who.busy })
}
