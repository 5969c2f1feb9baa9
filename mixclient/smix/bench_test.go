package smix

import (
	"fmt"
	"testing"

	"undertone/mixclient/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/superpose"
)

// crowd returns a player in an epoch with so many others, of whom he knows the
// first. They share secrets with him that nobody agreed on, which costs nothing.
func crowd(tb testing.TB, others, channels int) (*rig, *player) {
	tb.Helper()
	ids := identities(tb, 1)
	r := newRig(tb, ids, channels)
	p := r.players[0]
	k := &half.Keyring{}
	for i := range others {
		n := superpose.Number(i + 2)
		h := key.Handle{1, byte(i), byte(i >> 8)}
		conn := key.Connection{2, byte(i), byte(i >> 8)}
		pair := seal.PadSecret([]byte{byte(i)}, []byte{byte(i >> 8)}, p.conn, conn)
		record := &superpose.Record{Conn: conn}
		p.roster.peers[n] = &peer{record: record, handle: h, place: p.roster.free(), pair: pair}
		p.roster.conns[conn] = n
		p.book.Seat(p.roster.peers[n].place, h, conn)
		if i < 20 {
			k.Peers = append(k.Peers, half.Peer{Handle: h, Pair: &pair})
		}
	}
	p.Keys(k)
	members := []superpose.Number{1}
	for i := range others {
		members = append(members, superpose.Number(i+2))
	}
	e := superpose.Epoch{Counter: 1, Start: r.slot + 1, Members: members}
	name, ok := e.Name(channels, p.connOf)
	p.follow(e.List(make([]byte, superpose.BulkSize), name))
	if !ok || p.epochs.newest().pads == nil {
		tb.Fatal("the epoch was not taken in")
	}
	return r, p
}

// hold gives the player a lease of channel 0 that does not end.
func (p *player) hold() {
	p.leases.mine[0] = own{channel: 0, name: superpose.Name{1}, from: firstSlot, least: firstSlot, end: 1 << 60}
}

// turn is a slot of a client: a batch in advance, the one of the slot, and what
// comes down twice.
type turn struct {
	p    *player
	n    cell.Slot
	up   []byte
	down []byte
	say  half.Say
}

func newTurn(tb testing.TB, others, channels int) *turn {
	r, p := crowd(tb, others, channels)
	p.hold()
	t := &turn{p: p, n: r.slot, up: make([]byte, p.Shape().Bytes()), down: make([]byte, superpose.Size)}
	t.say = half.Say{Kind: cell.Stream, To: key.Handle{1}}
	for i := range cell.Slot(ahead) {
		p.Up(t.up, t.n+1+i, &half.Say{})
	}
	return t
}

func (t *turn) do() {
	t.n++
	t.p.Up(t.up, t.n+ahead, &half.Say{})
	t.p.Up(t.up, t.n, &t.say)
	h := superpose.Head{Slot: t.n.Low(), Flags: superpose.Complete, Epoch: 1}
	for k := range t.p.messages {
		h.K = k
		for h.Part = range 2 {
			h.PutDown(t.down)
			copy(superpose.Body(t.down), t.p.of(t.n).pads) // Looks random, as cells do.
			t.p.Down(t.down, t.n, t)
		}
	}
}

// Hear implements half.Ear.
func (t *turn) Hear(*half.Found) {}

func TestASlotAllocatesNothing(t *testing.T) {
	for _, channels := range []int{8, 32} {
		x := newTurn(t, 20, channels)
		for range 200 {
			x.do()
		}
		if n := testing.AllocsPerRun(200, x.do); n != 0 {
			t.Errorf("%d channels: a slot allocates %v times", channels, n)
		}
	}
}

// BenchmarkSlot is a slot of a client: Up in advance and at its time, and Down for
// both parts.
func BenchmarkSlot(b *testing.B) {
	for _, n := range []int{10, 50, 100, 300} {
		for _, channels := range []int{8, 32} {
			b.Run(fmt.Sprintf("members=%d/channels=%d", n, channels), func(b *testing.B) {
				x := newTurn(b, n-1, channels)
				b.ReportAllocs()
				for b.Loop() {
					x.do()
				}
			})
		}
	}
}

// BenchmarkEpoch is what a client does when an epoch is announced: all pads of the
// batches made in advance, here of five seconds at 40 ms.
func BenchmarkEpoch(b *testing.B) {
	for _, n := range []int{50, 300} {
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			r, p := crowd(b, n-1, 8)
			up := make([]byte, p.Shape().Bytes())
			for i := range cell.Slot(125) {
				p.Up(up, r.slot+1+i, &half.Say{})
			}
			counter := uint32(1)
			for b.Loop() {
				counter++
				e := superpose.Epoch{Counter: counter, Start: p.epochs.newest().Start + 1, Members: p.epochs.newest().Members}
				p.high, p.said = e.Start-1, e.Start-1
				p.horizon = e.Start + 124
				name, _ := e.Name(8, p.connOf)
				p.follow(e.List(make([]byte, superpose.BulkSize), name))
				if stale, ok := p.Stale(); ok {
					for m := p.horizon; m >= stale; m-- {
						p.Up(up, m, &half.Say{})
					}
				}
			}
		})
	}
}
