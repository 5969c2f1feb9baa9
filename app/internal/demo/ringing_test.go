//go:build !race

package demo

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"undertone/app/internal/phone"
	"undertone/mixclient/call"
	"undertone/transport/cell"
	"undertone/transport/simnet"
)

// ringFor is how long a window is in which somebody is rung again and again.
const ringFor = 72 * time.Second

// ringAgain has carol ring bob three times for some seconds, and once until nobody has
// answered, and returns all that she is told, and when, and how often it rang at bob's.
func (tr *trace) ringAgain(start time.Time) (log []string, rang, missed int) {
	carol := tr.others[0]
	tr.drain(carol, nil)
	tr.drain(tr.bob, nil)
	for _, d := range []time.Duration{2 * time.Second, 5 * time.Second, time.Second} {
		tr.do(carol.Phone.Call("bob"))
		time.Sleep(d)
		tr.do(carol.Phone.Hangup())
		time.Sleep(3 * time.Second)
	}
	tr.do(carol.Phone.Call("bob"))
	tr.at(start.Add(ringFor - 5*time.Second).Sub(tr.start))
	tr.drain(carol, func(e phone.Event) {
		log = append(log, fmt.Sprintf("%v: event %d, %s", e.At.Sub(start), e.Kind, e.Outcome))
	})
	tr.drain(tr.bob, func(e phone.Event) {
		switch {
		case e.Kind == phone.Rings:
			rang++
		case e.Kind == phone.Ended && e.Outcome == call.Missed:
			missed++
		}
	})
	return log, rang, missed
}

// drain takes the events that a user was told.
func (tr *trace) drain(u *User, each func(phone.Event)) {
	for {
		select {
		case e := <-u.Phone.Events():
			if each != nil {
				each(e)
			}
		default:
			return
		}
	}
}

// Callers as attackers, with whole clients: a contact who rings again and again is told
// the same at the same times, whether the callee is in no call or in one with somebody
// else; and nobody's packets are others.
func TestRingingIsUnobservable(t *testing.T) {
	t.Parallel()
	// Nothing of it depends on the pace.
	for _, m := range []cell.Mode{cell.TMIX, cell.BMIX, cell.SMIX} {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			var alone, inCall []string
			const later = 6 * time.Second
			rung := func(tr *trace) {
				start := time.Now()
				time.Sleep(later) // As much as the call takes to begin.
				var rang int
				if alone, rang, _ = tr.ringAgain(start); rang != 4 {
					t.Errorf("it rang %d times", rang)
				}
			}
			rungInCall := func(tr *trace) {
				start := time.Now()
				tr.drain(tr.bob, nil)
				tr.drain(tr.ann, nil)
				tr.do(tr.ann.Phone.Call("bob"))
				tr.expect(tr.bob, phone.Rings)
				tr.do(tr.bob.Phone.Answer())
				tr.expect(tr.ann, phone.VoiceHeard)
				tr.at(start.Add(later).Sub(tr.start))
				var rang, missed int
				if inCall, rang, missed = tr.ringAgain(start); rang != 0 || missed == 0 {
					t.Errorf("in a call it rang %d times, and %d calls were missed", rang, missed)
				}
				for _, u := range []*User{tr.ann, tr.bob} {
					if s := u.Phone.State(); s.Call != call.Talking || s.Played.Heard < uint64(tr.scene.interval.Slots(ringFor))/2 {
						t.Errorf("%s is %s, and heard %d cells", u.Name, s.Call, s.Played.Heard)
					}
				}
				tr.do(tr.ann.Phone.Hangup())
			}
			tr := record(t, scene{mode: m, interval: pace(), members: 2, each: ringFor}, idle, rung, rungInCall, nothing)
			for k, what := range map[int]string{1: "to ring again and again", 2: "to be rung in a call", 3: "what follows"} {
				if d := simnet.Diff(tr.windows[0], tr.windows[k]); d != "" {
					t.Errorf("%s shows:\n%s", what, d)
				}
			}
			if len(alone) < 4 || !slices.Equal(alone, inCall) {
				t.Errorf("who rings is told %q, and if the callee is in a call %q", alone, inCall)
			}
			t.Logf("%d packets in each window; who rings is told %q", len(tr.windows[0]), alone)
		})
	}
}
