package e2e

import (
	"testing"

	"undertone/transport/cell"
)

// talk has the first 2·pairs players talk in pairs, and waits until all are heard.
func (o *orchestra) talk(pairs int) {
	o.t.Helper()
	for i := 0; i < 2*pairs; i += 2 {
		a, b := o.players[i], o.players[i+1]
		a.talksTo, b.talksTo = b, a
	}
	o.until(120_000, "everybody heard", func() bool {
		for _, p := range o.players[:2*pairs] {
			if len(p.heard) == 0 {
				return false
			}
		}
		return true
	})
	o.run(3000)
}

// lost returns how many of the cells said from slot to slot were not heard by whom
// they were for, of how many, and the longest row of them.
func (o *orchestra) lost(p *player, from, to cell.Slot) (lost, of, row int) {
	now := 0
	for n := from; n < to; n++ {
		of++
		if p.talksTo.heard[n] == p.handle() {
			now = 0
			continue
		}
		lost++
		now++
		row = max(row, now)
	}
	return lost, of, row
}

// lostOfAll adds up those of all who talk and are there.
func (o *orchestra) lostOfAll(from, to cell.Slot) (lost, of, row int) {
	for _, p := range o.players {
		if p.talksTo == nil || p.gone || p.talksTo.gone {
			continue
		}
		l, n, r := o.lost(p, from, to)
		lost, of, row = lost+l, of+n, max(row, r)
	}
	return lost, of, row
}

// settled is the newest slot of which everything has come.
func (o *orchestra) settled() cell.Slot { return o.slot - 10 }

// Section 10, messages: everything is sent twice in both directions, so that on a
// network that loses one message in a hundred each way, 20 members lose at most
// one cell of voice in a hundred.
func TestSMIXVoiceOnALossyNetwork(t *testing.T) {
	o := newOrchestra(t, 20, 8, 50, 0.01)
	o.joinAll()
	o.until(30_000, "assembled", o.allInside)
	o.talk(2)
	from := o.settled()
	o.run(40_000)
	lost, of, row := o.lostOfAll(from, o.settled())
	complete := 0
	for n := from; n < o.settled(); n++ {
		if o.complete[n] {
			complete++
		}
	}
	t.Logf("1%% loss each way, 20 members: %d of %d cells of voice lost (%.2f%%), at most %d in a row; %d of %d slots incomplete",
		lost, of, 100*float64(lost)/float64(of), row, int(o.settled()-from)-complete, o.settled()-from)
	if lost*100 > of {
		t.Errorf("%d of %d cells of voice were lost", lost, of)
	}
}

// Section 10, losing a member: one of 50 vanishes, and the others lose less than
// half a second.
func TestSMIXAMemberVanishes(t *testing.T) {
	o := newOrchestra(t, 50, 8, 50, 0)
	o.joinAll()
	o.until(30_000, "assembled", o.allInside)
	o.talk(2)
	for i := range 3 {
		from := o.settled()
		o.players[10+i].gone = true
		o.run(1500)
		_, of, row := o.lostOfAll(from, o.settled())
		t.Logf("one of %d vanishes: %d ms of voice lost at most", 50-i, row*o.interval.Milliseconds())
		if row == 0 || row*o.interval.Milliseconds() >= 500 {
			t.Errorf("%d ms of voice were lost of %d", row*o.interval.Milliseconds(), of)
		}
	}
}

// Section 10: joins and clean leaves change the epoch at an announced slot, and
// nothing is lost.
func TestSMIXJoinAndCleanLeaveLoseNothing(t *testing.T) {
	o := newOrchestra(t, 12, 8, 50, 0)
	for _, p := range o.players[:8] {
		o.join(p)
	}
	o.until(30_000, "assembled", o.allInside)
	o.talk(2)
	from := o.settled()
	begin := o.now
	for _, p := range o.players[8:] {
		o.join(p)
	}
	took := o.until(30_000, "all inside", o.allInside)
	leaver := o.players[9]
	leaver.half.Leave()
	o.until(30_000, "left", leaver.half.Left)
	leaver.gone = true
	o.set.Leave(leaver.seat)
	o.run(3000)
	lost, of, _ := o.lostOfAll(from, o.settled())
	t.Logf("four join (after %d ms), one leaves: %d of %d cells of voice lost in %d ms", took, lost, of, o.now-begin)
	if lost > 0 {
		t.Errorf("%d of %d cells of voice were lost", lost, of)
	}
}

// The same at every interval, with a member vanishing: what is lost, and for how
// long. At 100 ms a slot more or less is much.
func TestSMIXAtEveryInterval(t *testing.T) {
	for _, x := range []struct {
		interval cell.Interval
		delay    int
		outage   int // milliseconds
	}{
		{cell.Interval20, 0, 300}, {cell.Interval20, 50, 500}, {cell.Interval20, 100, 700},
		{cell.Interval40, 0, 400}, {cell.Interval40, 50, 500}, {cell.Interval40, 100, 800},
		{cell.Interval100, 0, 800}, {cell.Interval100, 50, 800}, {cell.Interval100, 100, 1000},
	} {
		o := newOrchestraAt(t, x.interval, 12, 8, x.delay, 0.005)
		o.joinAll()
		assembled := o.until(30_000, "assembled", o.allInside)
		o.talk(1)
		from := o.settled()
		o.run(10_000)
		lost, of, _ := o.lostOfAll(from, o.settled())
		from, o.loss = o.settled(), 0
		o.players[10].gone = true
		o.run(3000)
		_, _, row := o.lostOfAll(from, o.settled())
		outage := row * x.interval.Milliseconds()
		t.Logf("%v, %d ms one way: assembled after %d ms, %d of %d cells lost at 0.5%%, %d ms when one of 12 vanishes",
			x.interval, x.delay, assembled, lost, of, outage)
		if lost*100 > of {
			t.Errorf("%d of %d cells of voice were lost", lost, of)
		}
		if outage > x.outage {
			t.Errorf("%d ms of voice were lost, of %d", outage, x.outage)
		}
	}
}
