package smix

import (
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"

	"undertone/mixclient/half"
	"undertone/mixclient/smix/lease"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/superpose"
)

// enter has the first player taken into an epoch of the given members that starts
// at the next slot.
func (r *rig) enter(lapse bool, members ...superpose.Number) {
	r.counter++
	e, name := r.epoch(r.counter, r.slot+1, lapse, members...)
	x := r.players[0]
	if x.follow(e.List(make([]byte, superpose.BulkSize), name)); x.epochs.newest().Counter != r.counter {
		r.t.Fatal("an honest epoch was not taken in")
	}
	x.restage()
}

// alone has the first player make and send a slot, to a server that grants what he
// asks for. It returns which channels and places of reservations he fills, as who
// knows all pads sees it.
func (r *rig) alone(s *half.Say, names map[int]superpose.Name) string {
	r.slot++
	x, n := r.players[0], r.slot
	x.prepare(n, s)
	b := x.take(n)
	e := x.epochs.at(n)
	cells, _ := b.cells(8)
	var seen strings.Builder
	for c := range cells {
		if !e.Opening(n) && !zero(cells[c]) {
			fmt.Fprintf(&seen, "channel %d ", c)
		}
	}
	body, from := superpose.Body(b.bytes[:superpose.Size]), superpose.Cells*cell.Size
	if e.Opening(n) {
		from = 0
	}
	for at := from; at+superpose.TokenSize <= seal.ShareSize; at += superpose.TokenSize {
		if [superpose.TokenSize]byte(body[at:]) != [superpose.TokenSize]byte(b.pads[at:]) {
			fmt.Fprintf(&seen, "token %d ", at)
		}
	}
	flags := superpose.Complete
	if e.Opening(n) {
		flags |= superpose.Opening
	}
	x.Down(r.mapOf(n, e, names, nil, flags), n, x)
	x.restage()
	return seen.String()
}

// granted has a server give channels to all tokens that a player has placed.
func granted(x *player, names map[int]superpose.Name) {
	for i := range x.leases.pending {
		if p := &x.leases.pending[i]; p.counter != 0 {
			names[int(p.made)%8] = p.name
		}
	}
}

// course is all that who knows the pads sees of a member in some epochs, if he knows
// so many of the others. In a call, he says something in every slot.
func course(t *testing.T, ids []*key.Identity, known int, calls bool) (seen []string) {
	t.Helper()
	r := newRig(t, ids, 8)
	x := r.players[0]
	x.random = mathrand.New(mathrand.NewChaCha8([32]byte{1})) //nolint:gosec // a test
	x.policy = lease.New(cell.Interval40, x.random)
	x.Keys(&half.Keyring{Peers: r.peers(0)[:known]})
	x.Wants(calls)
	s := &half.Say{}
	if calls {
		s = &half.Say{Kind: cell.Stream, To: r.players[1].self}
	}
	for i := range 3 {
		r.enter(i != 1, r.all()...)
		names := map[int]superpose.Name{}
		for range 100 {
			seen = append(seen, r.alone(s, names))
			granted(x, names)
		}
	}
	return seen
}

// Whoever knows all pads, since he invented all other members, sees the same of a
// member in a call as of one who is in none: the user knows that he does not know
// enough of them.
func TestAmongStrangersACallDoesNotShow(t *testing.T) {
	ids := identities(t, 11)
	idle, calls := course(t, ids, 1, false), course(t, ids, 1, true)
	if !slices.Equal(idle, calls) {
		t.Errorf("without a call:\n%q\nin one:\n%q", idle, calls)
	}
	if slices.Max(idle) == "" {
		t.Error("nothing is ever reserved")
	}
	if slices.Equal(course(t, ids, 2, false), course(t, ids, 2, true)) {
		t.Error("no difference among those who are known: the test sees nothing")
	}
}

// No lease goes from an epoch of one kind into one of the other, whether it was won
// before the second was announced or after, and any goes on in one of its own kind.
func TestNoLeaseGoesToStrangersOrBack(t *testing.T) {
	ids := identities(t, 6)
	safe, unsafe := []superpose.Number{1, 2, 3, 4, 5, 6}, []superpose.Number{1, 4, 5, 6}
	for _, late := range []bool{false, true} {
		for name, x := range map[string]struct {
			from, to []superpose.Number
			goesOn   bool
		}{
			"to strangers":         {safe, unsafe, false},
			"back":                 {unsafe, safe, false},
			"among strangers":      {unsafe, unsafe, true},
			"among those he knows": {safe, safe, true},
		} {
			r := newRig(t, ids, 8)
			p := r.players[0]
			p.Keys(&half.Keyring{Peers: r.peers(0)[:2]})
			r.enter(false, x.from...)
			first := p.epochs.newest()
			r.alone(&half.Say{}, nil)
			token, names := r.ask(p)
			if !late {
				r.alone(&half.Say{}, names)
				if got := r.alone(&half.Say{}, names); !strings.Contains(got, token) {
					t.Fatalf("%s: the lease was not begun: %q", name, got)
				}
			}
			n := r.slot
			e := *first
			r.enter(false, x.to...)
			if late {
				for c, name := range names {
					p.won(n, c, name, &e)
				}
				p.restage()
			}
			got := ""
			for range 4 {
				got += r.alone(&half.Say{}, nil)
			}
			if strings.Contains(got, token) != x.goesOn {
				t.Errorf("%s, late %v: of the lease is seen %q", name, late, got)
			}
		}
	}
}

// ask has a player place a token in the next slot. It returns how the channel is
// seen that lasts longest then, and the map that grants it to him.
func (r *rig) ask(p *player) (string, map[int]superpose.Name) {
	n := r.slot + 1
	long := 0
	for c := range 8 {
		if p.leases.calendar.End(c, n) > p.leases.calendar.End(long, n) {
			long = c
		}
	}
	p.token(p.epochs.at(n), n)
	i := slices.IndexFunc(p.leases.pending[:], func(x pending) bool { return x.counter != 0 && x.made == n })
	name := p.leases.pending[i].name
	r.alone(&half.Say{}, nil)
	return fmt.Sprintf("channel %d ", long), map[int]superpose.Name{long: name}
}

// Whom the user knows in an epoch does not depend on who the server says has gone
// since. Whom he gets to know counts at once, and his lease goes on; when he forgets
// too many, it ends.
func TestWhoIsKnownInAnEpoch(t *testing.T) {
	r := newRig(t, identities(t, 6), 8)
	p := r.players[0]
	known := func(n int) { p.Keys(&half.Keyring{Peers: r.peers(0)[:n]}); p.restage() }
	r.enter(false, r.all()...)
	r.alone(&half.Say{}, nil)
	channel, names := r.ask(p)
	r.alone(&half.Say{}, names)
	for n := range 3 {
		p.item(unframe(superpose.FrameItem(superpose.Gone, superpose.Number(n+2))))
	}
	for _, x := range []struct {
		keys   int
		goesOn bool
	}{{5, true}, {2, true}, {4, true}, {1, false}, {5, false}} {
		known(x.keys)
		if s := p.Status(); s.Known != x.keys || s.Unsafe != (x.keys < MinKnown) {
			t.Errorf("status with %d keys: %+v", x.keys, s)
		}
		if got := r.alone(&half.Say{}, names); strings.Contains(got, channel) != x.goesOn {
			t.Errorf("%d keys: %q", x.keys, got)
		}
	}
}

// Among strangers letters of pairings are said, and nothing else is.
func TestWhatIsSaidAmongStrangers(t *testing.T) {
	r := newRig(t, identities(t, 4), 8)
	p := r.players[0]
	peers := r.peers(0)
	intro := *peers[0].Pair
	peers[0].Intro = &intro
	p.Keys(&half.Keyring{Intro: &intro, Peers: peers[:1]})
	r.enter(false, r.all()...)
	r.alone(&half.Say{}, nil)
	_, names := r.ask(p)
	r.alone(&half.Say{}, names)
	for kind, classes := range map[cell.Kind]map[seal.Class]bool{
		cell.Letter: {seal.FromInitiator: true, seal.FromResponder: true, seal.HourClass(5): false},
		cell.Stream: {seal.FromInitiator: false},
		cell.Ring:   {seal.HourClass(5): false},
	} {
		for class, goes := range classes {
			s := &half.Say{Kind: kind, To: r.players[1].self}
			s.Body[cell.AddressSize] = byte(class)
			if r.alone(s, names); p.of(r.slot).channel >= 0 != goes {
				t.Errorf("kind %v, class %#x: said is %v", kind, class, !goes)
			}
		}
	}
}
