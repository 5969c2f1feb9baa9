package smix

import (
	"testing"

	"undertone/mixclient/half"
	"undertone/transport/cell"
	"undertone/transport/seal"
	"undertone/transport/superpose"

	"pgregory.net/rapid"
)

// A watch sees what one player sends, and holds the two promises that no server
// can have broken: no pad serves two messages, and a channel that was begun is not
// empty before its lease ends.
type watch struct {
	t     *rapid.T
	pads  map[[16]byte]cell.Slot
	full  map[int]cell.Slot // by channel, until when it must be full
	sends int
	fills int
}

func (w *watch) sent(p *player, n cell.Slot, b batch) {
	cells, share := b.cells(p.cfg.Channels)
	if !share {
		clear(w.full)
		return
	}
	w.sends++
	for k := range p.messages {
		pad := [16]byte(b.pads[k*seal.ShareSize:])
		if before, twice := w.pads[pad]; twice {
			w.t.Fatalf("the pad of slot %d was used in slot %d before", n, before)
		}
		w.pads[pad] = n
	}
	for c, x := range cells {
		if zero(x) {
			if until := w.full[c]; n < until && p.leases.lapsed < n-ahead {
				w.t.Fatalf("channel %d is empty in slot %d, and leased until %d", c, n, until)
			}
			continue
		}
		w.fills++
		end := cell.Slot(0)
		for i := range p.leases.mine {
			if l := &p.leases.mine[i]; l.channel == c {
				end = max(end, l.end)
			}
		}
		w.full[c] = end
	}
	if p.leases.lapsed > n-2*ahead {
		clear(w.full) // All leases end then: an epoch says so to all.
	}
}

// Section 10: never two messages under one pad, and never an empty share, against
// a server that says what it likes: epochs again, or of the past, or of others;
// maps that grant, take away and grant twice; slots in any order; and against
// standing still at any moment, and connecting anew.
func TestNoPadTwiceAndNoEmptyShare(t *testing.T) {
	ids := identities(t, 4)
	sends, fills := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		const channels = 3
		r := newRig(t, ids, channels)
		r.begin(true)
		p := r.players[0]
		w := &watch{t: t, pads: map[[16]byte]cell.Slot{}, full: map[int]cell.Slot{}}
		var epochs []superpose.Epoch
		var names []seal.Epoch
		stalled := false
		number := rapid.SampledFrom([]superpose.Number{1, 2, 3, 4})
		t.Repeat(map[string]func(*rapid.T){
			"slot": func(t *rapid.T) {
				for range rapid.IntRange(1, 30).Draw(t, "slots") {
					r.slot++
					p.Wants(true)
					if stalled = stalled || p.left == 0; !stalled {
						p.prepare(r.slot, &half.Say{Kind: cell.Stream, To: r.players[1].self})
					}
					w.sent(p, r.slot, p.take(r.slot))
					if e := p.epochs.at(r.slot); e != nil && !stalled {
						p.Down(r.mapOf(r.slot, e, nil, nil, superpose.Complete), r.slot, p)
						p.restage()
					}
				}
			},
			"stand still": func(t *rapid.T) {
				if stalled {
					stalled, p.left = false, -1
				} else {
					p.left = rapid.IntRange(0, 2*ahead).Draw(t, "in the middle")
				}
			},
			"grant": func(t *rapid.T) {
				e := p.epochs.at(r.slot)
				if e == nil || stalled {
					return
				}
				m := map[int]superpose.Name{}
				for i := range p.leases.pending {
					m[rapid.IntRange(0, channels-1).Draw(t, "channel")] = p.leases.pending[i].name
				}
				n := r.slot + cell.Slot(rapid.IntRange(-3, 3).Draw(t, "off")) //nolint:gosec // modular arithmetic is meant
				b := r.mapOf(n, e, m, rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "body"), superpose.Complete)
				p.Down(b, r.slot, p)
				p.restage()
				stalled = p.left == 0
			},
			"epoch": func(t *rapid.T) {
				if stalled {
					return
				}
				var e superpose.Epoch
				var name seal.Epoch
				if len(epochs) > 0 && rapid.Bool().Draw(t, "again") {
					i := rapid.IntRange(0, len(epochs)-1).Draw(t, "which")
					e, name = epochs[i], names[i]
				} else {
					members := rapid.SliceOfNDistinct(number, 1, 4, rapid.ID).Draw(t, "members")
					sortNumbers(members)
					counter := uint32(rapid.IntRange(0, 12).Draw(t, "counter"))
					start := r.slot + cell.Slot(rapid.IntRange(-8, 8).Draw(t, "start")) //nolint:gosec // modular arithmetic is meant
					e, name = r.epoch(counter, start, rapid.IntRange(0, 3).Draw(t, "lapse") == 0, members...)
					epochs, names = append(epochs, e), append(names, name)
				}
				n := r.slot + cell.Slot(rapid.IntRange(-3, 200).Draw(t, "far")) //nolint:gosec // modular arithmetic is meant
				p.Down(list(n, &e, name), r.slot, p)
				p.restage()
			},
			"connect anew": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "rarely") > 0 {
					return
				}
				for i := range r.players {
					r.players[i] = r.player(i, channels)
				}
				r.introduce()
				p, stalled = r.players[0], false
				r.counter = 0
				r.slot++
				r.begin(true)
				clear(w.full)
			},
		})
		sends, fills = sends+w.sends, fills+w.fills
	})
	t.Logf("%d shares and %d filled channels were looked at", sends, fills)
	if sends < 1000 || fills < 100 {
		t.Errorf("only %d shares and %d filled channels were looked at", sends, fills)
	}
}

func sortNumbers(n []superpose.Number) {
	for i := range n {
		for j := range i {
			if n[j] > n[i] {
				n[i], n[j] = n[j], n[i]
			}
		}
	}
}
