package e2e

import "testing"

// Section 5.2: members assemble, one says something to another, who hears it, and
// nobody else does.
func TestSMIXCarriesAVoice(t *testing.T) {
	o := newOrchestra(t, 6, 8, 50, 0)
	o.joinAll()
	t.Logf("assembled after %d ms", o.until(20_000, "assembled", o.allInside))
	a, b := o.players[0], o.players[1]
	a.talksTo, b.talksTo = b, a
	t.Logf("a has a channel after %d ms", o.until(8000, "ready", func() bool { return a.half.Status().Ready && b.half.Status().Ready }))
	o.run(500)
	before := len(b.heard)
	o.run(10_000)
	if got := len(b.heard) - before; got < 240 {
		t.Errorf("b heard %d cells of 250", got)
	}
	for _, p := range o.players[2:] {
		if len(p.heard) > 0 {
			t.Errorf("player %d heard what was for another", p.seat)
		}
	}
	for _, from := range b.heard {
		if from != a.handle() {
			t.Error("b heard a cell from somebody else")
		}
	}
}

// More channels than a message has room for: a slot is several messages, and all of
// them have to come.
func TestSMIXOfManyChannels(t *testing.T) {
	o := newOrchestra(t, 8, 20, 50, 0.005)
	o.joinAll()
	o.until(30_000, "assembled", o.allInside)
	o.talk(4)
	from := o.settled()
	o.run(10_000)
	lost, of, _ := o.lostOfAll(from, o.settled())
	t.Logf("four calls at once, 20 channels in 3 messages, 0.5%% loss: %d of %d cells lost", lost, of)
	if lost*50 > of {
		t.Errorf("%d of %d cells of voice were lost", lost, of)
	}
}
