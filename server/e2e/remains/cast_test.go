package remains

import (
	"context"
	"testing"
	"time"

	"undertone/mixclient/call"
	"undertone/mixclient/clienttest"
	"undertone/transport/cell"
)

// patience is how long anything in a call may take.
const patience = time.Minute

// A cast is the members of a run, all of them online.
type cast struct {
	t *testing.T
	// busy says that the machine may be, so that the letter that ends a call is lost at
	// times; then it ends by itself, but for another reason.
	busy                    bool
	anna, berta, carl, dora *clienttest.Member
}

// names are those of the members, in the order in which they come online.
var names = []string{"anna", "berta", "carl", "dora"}

func newCast(t *testing.T, busy bool, m []*clienttest.Member) *cast {
	return &cast{t, busy, m[0], m[1], m[2], m[3]}
}

func (c *cast) do(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// until runs a wait that has a bound.
func (c *cast) until(wait func(ctx context.Context) error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c.do(wait(ctx))
}

// ended waits until a call of somebody has ended as it should.
func (c *cast) ended(m *clienttest.Member, how call.Outcome) {
	c.t.Helper()
	c.until(func(ctx context.Context) error {
		e, err := m.AwaitCall(ctx, call.Ended)
		if err == nil && e.Outcome != how && !c.busy {
			c.t.Errorf("%s: the call has ended by %q, and not %q", m.Name, e.Outcome, how)
		}
		return err
	})
}

// idle waits until nobody of them is in a call.
func (c *cast) idle(all ...*clienttest.Member) {
	c.t.Helper()
	c.until(func(ctx context.Context) error {
		for _, m := range all {
			m.AwaitIdle(ctx)
		}
		return ctx.Err()
	})
}

// ring has one call another, until it rings there.
func (c *cast) ring(from, to *clienttest.Member) {
	c.t.Helper()
	c.do(from.Call(to.Handle))
	c.until(func(ctx context.Context) error {
		_, err := to.AwaitCall(ctx, call.Rings)
		return err
	})
}

// hears waits until somebody has heard so many slots of voice.
func (c *cast) hears(m *clienttest.Member, slots uint64) {
	c.t.Helper()
	c.until(m.AwaitVoice)
	first := m.State().Played.Heard
	c.until(func(ctx context.Context) error {
		look := time.NewTicker(cell.Interval20.Duration())
		defer look.Stop()
		for m.State().Played.Heard < first+slots {
			select {
			case <-look.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
}

// calls are all that people do with each other: a call that is set up, answered, and
// hung up; one that is declined; one that is given up; one to somebody who is in
// another; and one that nobody answers, which goes on all the while, and, if they are
// patient, ends by itself.
func (c *cast) calls(patient bool) {
	c.ring(c.carl, c.dora)

	c.ring(c.anna, c.berta)
	c.do(c.berta.Answer())
	c.hears(c.berta, 10)
	c.hears(c.anna, 10)
	c.do(c.anna.Hangup())
	c.ended(c.berta, call.PeerHungUp)
	c.ended(c.anna, call.HungUp)
	c.idle(c.anna, c.berta)

	c.ring(c.berta, c.anna)
	c.do(c.anna.Decline())
	c.ended(c.anna, call.Rejected)
	c.do(c.berta.Hangup())
	c.ended(c.berta, call.HungUp)
	c.idle(c.anna, c.berta)

	c.ring(c.anna, c.berta)
	c.do(c.anna.Hangup())
	c.ended(c.berta, call.Missed)
	c.idle(c.anna, c.berta)

	c.do(c.berta.Call(c.carl.Handle))
	c.ended(c.carl, call.Missed)
	c.do(c.berta.Hangup())
	c.idle(c.berta)

	if patient {
		c.ended(c.carl, call.NoAnswer)
	} else {
		c.do(c.carl.Hangup())
		c.ended(c.carl, call.HungUp)
	}
	c.ended(c.dora, call.Missed)
	c.idle(c.carl, c.dora)
}
