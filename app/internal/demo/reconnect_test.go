package demo

import (
	"testing"
	"time"

	"undertone/app/internal/phone"
	"undertone/mixclient/call"
	"undertone/transport/cell"
	"undertone/transport/simnet"
)

// cut takes a user's line away for some time.
func (tr *trace) cut(user int, d time.Duration) {
	gone := simnet.Path{Loss: 1}
	tr.hosts[user].SetPaths(gone, gone)
	time.Sleep(d)
	tr.hosts[user].SetPaths(simnet.Path{Delay: upDelay}, simnet.Path{Delay: downDelay})
}

// ring brings ann and bob into a call.
func (tr *trace) ring() {
	tr.t.Helper()
	tr.do(tr.ann.Phone.Call("bob"))
	tr.expect(tr.bob, phone.Rings)
	tr.do(tr.bob.Phone.Answer())
	tr.expect(tr.bob, phone.VoiceHeard)
	tr.expect(tr.ann, phone.VoiceHeard)
}

// hears checks that both hear each other again within some time.
func (tr *trace) hears(within time.Duration) {
	tr.t.Helper()
	time.Sleep(within)
	before := []uint64{tr.ann.Phone.State().Played.Heard, tr.bob.Phone.State().Played.Heard}
	time.Sleep(2 * time.Second)
	for k, u := range []*User{tr.ann, tr.bob} {
		s := u.Phone.State()
		least := 9 * uint64(tr.scene.interval.Slots(2*time.Second)) / 10
		if n := s.Played.Heard - before[k]; s.Call != call.Talking || n < least {
			tr.t.Errorf("%s is %s, and heard %d cells in two seconds", u.Name, s.Call, n)
		}
	}
}

// A call survives that either line is lost for some seconds: the user comes
// online again by himself and the voice goes on.
func TestCallSurvivesLostLine(t *testing.T) {
	t.Parallel()
	record(t, scene{interval: pace()}, func(tr *trace) {
		tr.ring()
		for user := range tr.hosts {
			tr.cut(user, 4*time.Second)
			tr.hears(8 * time.Second)
		}
		tr.do(tr.ann.Phone.Hangup())
		tr.expect(tr.bob, phone.Ended)
	})
}

// A call survives a restart of the server, which has forgotten everything about
// it.
func TestCallSurvivesServerRestart(t *testing.T) {
	t.Parallel()
	record(t, scene{interval: pace()}, func(tr *trace) {
		tr.ring()
		tr.do(tr.set.Close())
		time.Sleep(2 * time.Second)
		tr.do(tr.set.serve(tr.t.Context(), listen7443(tr.t, tr.star)))
		tr.hears(10 * time.Second)
	})
}

// A line that is lost comes back a second after the last cell, whether there was a
// call or not, and whatever somebody on the line did to how long the ear waits.
func TestReconnectLooksTheSame(t *testing.T) {
	t.Parallel()
	reconnect := func(busy bool) (attempts []time.Duration) {
		var last time.Time
		tr := record(t, scene{interval: pace()}, func(tr *trace) {
			if busy {
				tr.ring()
			}
			tr.at(settled + 2*time.Second)
			up, down := simnet.Path{Delay: upDelay}, simnet.Path{Delay: downDelay}
			tr.hosts[0].SetPaths(up, simnet.Path{Delay: downDelay, Jitter: 100 * time.Millisecond})
			tr.at(settled + 6*time.Second)
			tr.hosts[0].SetPaths(up, down)
			tr.at(settled + 7*time.Second)
			tr.cut(0, 4*time.Second)
			time.Sleep(8 * time.Second)
		})
		for _, p := range tr.windows[0] {
			switch own := tr.hosts[0].Addr(); {
			case !p.Stream && p.To.Addr() == own && !p.Lost && p.Size > cell.Size && len(attempts) == 0:
				last = p.At.Add(downDelay)
			case p.Stream && p.From.Addr() == own && p.At.After(tr.start.Add(settled+7*time.Second)):
				attempts = append(attempts, p.At.Sub(last))
			}
		}
		return attempts
	}
	idle, busy := reconnect(false), reconnect(true)
	if len(idle) == 0 || len(busy) == 0 {
		t.Fatalf("the line did not come back: %v and %v", idle, busy)
	}
	if idle[0] != time.Second || busy[0] != time.Second {
		t.Errorf("without a call the first attempt is after %v, with one after %v", idle[0], busy[0])
	}
}
