package smix

import (
	"bytes"
	"slices"
	"testing"

	"undertone/mixclient/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/superpose"
)

// sum adds up what all send in a slot, as the server does.
func (r *rig) sum(batches []batch) []byte {
	out := make([]byte, seal.ShareSize)
	for _, b := range batches {
		for i, x := range superpose.Body(b.bytes[:superpose.Size]) {
			out[i] ^= x
		}
	}
	return out
}

// step has everybody make and send a slot, and read its sum. The map is what the
// test says.
func (r *rig) step(names map[int]superpose.Name, say func(p *player) *half.Say) []byte {
	r.slot++
	var all []batch
	for _, p := range r.players {
		p.prepare(r.slot, say(p))
		all = append(all, p.take(r.slot))
	}
	sum := r.sum(all)
	if r.jam != nil {
		r.jam(sum)
	}
	for _, p := range r.players {
		e := p.epochs.at(r.slot)
		flags := superpose.Complete
		if e.Opening(r.slot) {
			flags |= superpose.Opening
		}
		p.Down(r.mapOf(r.slot, e, names, sum, flags), r.slot, p)
		p.restage()
	}
	return sum
}

func quiet(*player) *half.Say { return &half.Say{} }

// won places a token for a player, and has the map say that it won.
func (r *rig) won(p *player, channel int) {
	h := p.Half
	h.token(h.epochs.at(r.slot+1), r.slot+1)
	i := slices.IndexFunc(h.leases.pending[:], func(x pending) bool { return x.counter != 0 && x.slot == r.slot+1 })
	name := h.leases.pending[i].name
	r.step(map[int]superpose.Name{channel: name}, quiet)
}

func (r *rig) hear(p *player) []half.Found {
	f := p.heard
	p.heard = nil
	return f
}

// Section 5.2: the sum of all shares is the owner's cell, and the one it is for
// hears it, and nobody else does.
func TestTheSumOfAllSharesIsTheOwnersCell(t *testing.T) {
	r := newRig(t, identities(t, 4), 8)
	r.begin(false)
	if s := r.step(nil, quiet); slices.ContainsFunc(s[:8*cell.Size], func(b byte) bool { return b != 0 }) {
		t.Fatal("the sum of shares without cells is not empty")
	}
	a, b := r.players[0], r.players[1]
	r.won(a, 3)
	names := map[int]superpose.Name{3: a.leases.mine[0].name}
	body := cell.Body{1, 2, 3}
	for range 5 {
		r.hear(b)
		s := r.step(names, func(p *player) *half.Say {
			if p == a {
				return &half.Say{Kind: cell.Stream, To: b.self, Body: body}
			}
			return &half.Say{}
		})
		for c := range 8 {
			if x := superpose.Channel(s, c); zero(x) != (c != 3) {
				t.Fatalf("channel %d: empty is %v", c, zero(x))
			}
		}
		if x := a.of(r.slot).said; !bytes.Equal(superpose.Channel(s, 3), x[:]) {
			t.Error("the sum is not the owner's cell")
		}
		if f := r.hear(b); len(f) != 1 || f[0].From != a.self || f[0].Kind != cell.Stream {
			t.Errorf("b heard %+v", f)
		}
		if f := r.hear(r.players[2]); len(f) > 0 {
			t.Errorf("somebody else heard %+v", f)
		}
	}
}

// What is not said is garbage: another in every slot and channel, and the same
// however often it is made.
func TestGarbage(t *testing.T) {
	r := newRig(t, identities(t, 2), 8)
	r.begin(false)
	r.step(nil, quiet)
	a := r.players[0]
	r.won(a, 3)
	r.won(a, 5)
	seen := map[[cell.Size]byte]bool{}
	for n := r.slot + 3; n < r.slot+20; n++ {
		a.stage(a.cover, n, &half.Say{})
		x, _ := a.cover[n].cells(8)
		a.stage(a.cover, n, &half.Say{})
		y, _ := a.cover[n].cells(8)
		for _, c := range []int{3, 5} {
			if zero(x[c]) || !bytes.Equal(x[c], y[c]) || seen[[cell.Size]byte(x[c])] {
				t.Errorf("slot %d, channel %d: garbage is empty, or not the same twice, or comes again", n, c)
			}
			seen[[cell.Size]byte(x[c])] = true
		}
	}
}

// Two who hold one channel disturb each other; both are told, later, and neither
// falls silent: a server could otherwise tell by that whose channel it is.
func TestTwoOwnersOfOneChannel(t *testing.T) {
	r := newRig(t, identities(t, 3), 8)
	r.begin(false)
	r.step(nil, quiet)
	a, b := r.players[0], r.players[1]
	r.won(a, 2)
	r.won(b, 2)
	for range 20 {
		r.step(nil, quiet)
	}
	for _, p := range []*player{a, b} {
		x, _ := p.cover[r.slot+1].cells(8)
		if zero(x[2]) {
			t.Error("an owner has fallen silent")
		}
		if len(p.Alarms()) > 0 {
			t.Error("the alarm is shown at once")
		}
		p.high += p.times.minute + p.times.second
		if got := p.Alarms(); !slices.Contains(got, half.Disruption) {
			t.Errorf("alarms %v", got)
		}
	}
	if got := r.players[2].Alarms(); len(got) > 0 {
		t.Errorf("who holds nothing is alarmed: %v", got)
	}
}

// A connection counts once: a server that introduces one member under two numbers
// would have his pads cancel each other, and see the cells of whoever believes it.
func TestAMemberCountsOnce(t *testing.T) {
	r := newRig(t, identities(t, 3), 8)
	a, b := r.players[0], r.players[1]
	record, err := superpose.ParseRecord(b.Record, pin)
	if err != nil {
		t.Fatal(err)
	}
	_, cipher, _ := r.players[2].secrets.Encapsulate(mustRecord(t, a.Record))
	a.item(unframe(superpose.FrameItem(superpose.Newcomer, 9, record.Short(), cipher)))
	if a.roster.peers[9] != nil {
		t.Error("a member was admitted a second time")
	}
	a.item(unframe(superpose.FrameItem(superpose.Elder, 9, a.Record)))
	if a.roster.peers[9] != nil {
		t.Error("the user was introduced to himself")
	}
	a.item(unframe(superpose.FrameItem(superpose.Gone, b.number)))
	e, name := r.epoch(5, r.slot+1, false, 1, 2)
	if a.follow(e.List(make([]byte, 400), name)); a.epochs.newest().Counter != 0 {
		t.Error("an epoch with an unknown member was taken in")
	}
	e, name = r.epoch(5, r.slot+1, false, 1)
	if a.follow(e.List(make([]byte, 400), name)); a.epochs.newest().Counter != 0 {
		t.Error("an epoch of one was taken in: there are no pads in it")
	}
}

func mustRecord(t *testing.T, b []byte) *superpose.Record {
	t.Helper()
	r, err := superpose.ParseRecord(b, pin)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Before anything was heard, and outside of epochs, Up makes batches that look like
// any other but for what everybody sees.
func TestUpIsTotal(t *testing.T) {
	p, err := NewPassport(identities(t, 1)[0], pin)
	if err != nil {
		t.Fatal(err)
	}
	h, err := New(p, Config{Interval: cell.Interval20, Channels: 32})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(p, Config{Interval: cell.Interval20, Channels: 32}); err == nil {
		t.Error("a passport was used twice")
	}
	out := make([]byte, h.Shape().Bytes())
	for _, n := range []cell.Slot{0, 1, 5, 3, 1 << 40, 1<<64 - 1, 7} {
		for _, s := range []half.Say{{}, {Kind: cell.Stream}, {Kind: cell.Ring, To: key.Handle{1}}, {Kind: 99, Group: true}} {
			h.Up(out, n, &s)
			for k := range 8 {
				m, ok := superpose.ParseUp(out[k*superpose.Size : (k+1)*superpose.Size])
				if !ok || m.Slot != n.Low() || m.Part != k/4 || m.K != k%4 {
					t.Fatalf("slot %d, message %d: %+v", n, k, m)
				}
			}
		}
	}
	if h.Status().Ready {
		t.Error("ready before anything was heard")
	}
}

// FuzzDown has a server send anything, in the middle of a call: nothing breaks, and
// batches go on being made.
func FuzzDown(f *testing.F) {
	r, p := crowd(f, 2, 8)
	e := superpose.Epoch{Counter: 3, Start: firstSlot + 4, Lapse: true, Members: []superpose.Number{1, 2, 3}}
	name, _ := e.Name(8, p.connOf)
	f.Add(list(firstSlot+2, &e, name), uint16(2))
	news := make([]byte, superpose.Size)
	h := superpose.Head{Slot: (r.slot + 2).Low(), Flags: superpose.Told | superpose.Complete}
	h.PutDown(news)
	n := superpose.NewsOf([]superpose.Number{1, 2, 3}, &e, name)
	n.Put(superpose.DownChunk(news))
	f.Add(news, uint16(0))
	h = superpose.Head{Slot: (r.slot + 2).Low(), Flags: superpose.Bulk, Count: 34}
	h.PutDown(news)
	f.Add(news, uint16(0))
	f.Fuzz(func(t *testing.T, in []byte, off uint16) {
		// One client for all: to make one takes longer than all that it reads here.
		for i := range cell.Slot(4) {
			if len(in) >= 2 {
				in[1] += byte(i)
			}
			p.Down(in, r.slot+cell.Slot(int16(off)), p)
			p.restage()
			r.slot++
			p.prepare(r.slot, &half.Say{Kind: cell.Stream, To: key.Handle{1}})
			if p.take(r.slot).bytes == nil {
				t.Fatal("no batch")
			}
		}
	})
}
