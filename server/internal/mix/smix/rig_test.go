package smix

import (
	"crypto/rand"

	"undertone/server/internal/mix/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/superpose"
)

var pin = [32]byte{9}

const firstSlot = 1_000_000

// A rig is a set whose members' uploads a test makes itself. The shares have no
// pads in them: what is the same for all pads is their sum, nothing.
type rig struct {
	*Set
	in      []half.In
	uploads [][]byte
	slot    cell.Slot
}

// fataler is what rapid and testing have in common.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

func entrantOf(tb fataler, s *Set) half.Entrant {
	tb.Helper()
	id, err := key.NewIdentity()
	if err != nil {
		tb.Fatal(err)
	}
	var conn key.Connection
	_, _ = rand.Read(conn[:])
	record, _, err := superpose.NewRecord(id, pin, conn)
	if err != nil {
		tb.Fatal(err)
	}
	e, err := s.Admit(half.Member{Handle: id.Account().Handle(), Record: record})
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// newRig returns a set with members who are all inside one epoch.
func newRig(tb fataler, members, channels int) *rig {
	tb.Helper()
	maker, err := New(Config{Interval: cell.Interval40, Channels: channels, Seats: members, Pin: pin})
	if err != nil {
		tb.Fatal(err)
	}
	var entrants []half.Entrant
	for range members {
		entrants = append(entrants, entrantOf(tb, maker))
	}
	return newRigOf(tb, entrants, channels)
}

// newRigOf returns a set of members who were admitted before.
func newRigOf(tb fataler, entrants []half.Entrant, channels int) *rig {
	tb.Helper()
	members := len(entrants)
	s, err := New(Config{Interval: cell.Interval40, Channels: channels, Seats: members, Pin: pin})
	if err != nil {
		tb.Fatal(err)
	}
	r := &rig{Set: s, in: make([]half.In, members), slot: firstSlot}
	for i, e := range entrants {
		s.Join(i, e)
		r.uploads = append(r.uploads, make([]byte, s.messages*superpose.Size))
	}
	s.slot = firstSlot
	s.usher(firstSlot)
	e := &s.plans[0]
	for i, m := range s.seats {
		e.Members = append(e.Members, m.number)
		m.inside = true
		// All have agreed on their keys, and heard of it.
		m.down.Ack(uint16(m.down.End()))
		for j := range s.seats[:i] {
			m.links[j] = link{stage: forwarded}
		}
	}
	e.Counter, e.Start = 1, firstSlot+1
	e.name, _ = e.Name(channels, s.conn)
	s.begin(e)
	return r
}

// upload writes the upload of a seat for the next slot: an empty share.
func (r *rig) upload(seat int, epoch uint16) []byte {
	b := r.uploads[seat]
	clear(b)
	for k := range r.messages {
		n := r.slot + 1
		h := superpose.Head{
			Slot: n.Low(), K: k, Flags: superpose.Share, Epoch: epoch, Seen: (n - 4).Low(),
			Ack: uint16(r.seats[seat].down.End()),
		}
		h.PutUp(b[k*superpose.Size : (k+1)*superpose.Size])
	}
	r.in[seat] = half.In{Batch: b, Present: true, Early: 3}
	return b
}

// cells returns the place of a channel in an upload.
func (r *rig) channel(seat, c int) []byte {
	k := c / superpose.Cells
	return superpose.Channel(superpose.Body(r.uploads[seat][k*superpose.Size:(k+1)*superpose.Size]), c%superpose.Cells)
}

// everybody uploads an empty share.
func (r *rig) everybody() {
	for i, m := range r.seats {
		if m != nil {
			r.upload(i, r.epochAt(r.slot+1).Low())
		}
	}
}

// epochAt returns the epoch of a slot, as far as it is planned.
func (r *rig) epochAt(n cell.Slot) *epoch {
	if r.planned && n >= r.plans[1].Start {
		return &r.plans[1]
	}
	return r.epoch
}

func (r *rig) step() {
	r.slot++
	r.Slot(r.slot, r.in)
}

// down returns what a seat gets, and its head.
func (r *rig) down(seat, k int) ([]byte, superpose.Head) {
	b := r.Out(seat, 0, k, make([]byte, cell.MaxMessage))
	h, _ := superpose.ParseDown(b)
	return b, h
}

// reserve puts a token for the next slot into an upload.
func (r *rig) reserve(seat, place int, nonce byte) superpose.Token {
	e := r.epochAt(r.slot + 1)
	t := superpose.NewToken(&e.name, e.TokenSlot(r.slot+1), [4]byte{nonce})
	at := superpose.Cells*cell.Size + place*superpose.TokenSize
	if e.Opening(r.slot + 1) {
		at = place * superpose.TokenSize
	}
	dst := superpose.Body(r.uploads[seat][:superpose.Size])[at : at+superpose.TokenSize]
	for i := range dst {
		dst[i] ^= t[i]
	}
	return t
}

// holder returns the channel whose map entry is the token's, -1 if there is none.
func (r *rig) holder(t superpose.Token) int {
	e := r.epoch
	name := t.Name(&e.name, e.TokenSlot(r.slot))
	for c := range r.channels {
		if r.channels[c].name == name {
			return c
		}
	}
	return -1
}
