package e2e

import (
	"testing"

	"undertone/mixclient/call"
)

// What a slot takes of three users and their server in each state of a call of two of
// them. The work is the same but for what is in it, so the figures should be.
func BenchmarkStates(b *testing.B) {
	for name, m := range map[string]mode{"tmix": trusted, "bmix": broadcast} {
		for _, s := range []call.State{call.Idle, call.Ringing, call.Talking} {
			b.Run(name+"/"+s.String(), func(b *testing.B) {
				d := newDuet(b, m, 3)
				d.befriend(d.users[0], d.users[1])
				b.ReportAllocs()
				for b.Loop() {
					if d.state(1) != s {
						b.StopTimer()
						d.bring(s)
						b.StartTimer()
					}
					d.step()
					for _, u := range d.users {
						u.heard, u.events = u.heard[:0], nil
					}
				}
			})
		}
	}
}

// bring has the first user call the second, until that is in a state.
func (d *duet) bring(s call.State) {
	d.t.Helper()
	d.until(1000, "idle", func() bool { return d.state(0) == call.Idle && d.state(1) == call.Idle })
	if s == call.Idle {
		return
	}
	d.dial(d.users[0], d.users[1])
	d.until(25, "ringing", func() bool { return d.state(1) == call.Ringing })
	if s == call.Talking {
		if err := d.users[1].core.Call().Accept(d.slot); err != nil {
			d.t.Fatal(err)
		}
		d.until(25, "talking", func() bool { return d.state(0) == call.Talking && d.state(1) == call.Talking })
	}
}
