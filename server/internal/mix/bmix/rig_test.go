package bmix

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"

	"pgregory.net/rapid"

	"undertone/server/internal/mix/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/wire"
)

// A bench is a Set with what its users send, and the slot it is at.
type bench struct {
	t       rapid.TB
	set     *Set
	in      []half.In
	members []*half.Member // by seat; nil: free
	n       cell.Slot
	scratch [cell.MaxMessage]byte
}

var seed = [32]byte{1, 2, 3}

// newBench returns a Set of free seats.
func newBench(t rapid.TB, seats int) *bench {
	b := &bench{t: t, set: newSeeded(seats, seed), in: make([]half.In, seats), members: make([]*half.Member, seats), n: 1_000_000}
	for i := range b.in {
		b.in[i].Batch = make([]byte, cell.Size)
	}
	return b
}

// full returns a Set of which all seats are taken.
func full(t rapid.TB, seats int) *bench {
	b := newBench(t, seats)
	for i := range seats {
		b.join(i, uint32(i)+1)
	}
	return b
}

// join gives a seat to a user, whom his number names.
func (b *bench) join(i int, user uint32) {
	m := member(user)
	e, err := b.set.Admit(m)
	if err != nil {
		b.t.Fatal(err)
	}
	b.set.Join(i, e)
	for k, old := range b.members {
		if old != nil && old.Handle == m.Handle {
			b.members[k] = nil
		}
	}
	b.members[i] = &m
}

func member(user uint32) half.Member {
	m := half.Member{Record: make([]byte, key.ConnectionSize), Link: new(key.Secret)}
	binary.BigEndian.PutUint32(m.Handle[:], user)
	binary.BigEndian.PutUint32(m.Record[key.ConnectionSize-4:], user^0xffff)
	return m
}

func (b *bench) leave(i int) {
	b.set.Leave(i)
	b.members[i] = nil
}

// put has a user send a cell of the coming slot, filled with a byte.
func (b *bench) put(i int, content byte) {
	b.in[i].Present = true
	for k := range b.in[i].Batch {
		b.in[i].Batch[k] = content
	}
	binary.BigEndian.PutUint16(b.in[i].Batch, b.n.Low())
}

// slot runs the coming slot; nobody sends anything for the next one yet.
func (b *bench) slot() {
	b.set.Slot(b.n, b.in)
	b.n++
	for i := range b.in {
		b.in[i].Present = false
	}
}

// down returns all that a user gets for the last slot.
func (b *bench) down(i int) (all []byte) {
	for k := range b.set.Down().Messages {
		all = append(all, b.set.Out(i, 0, k, b.scratch[:])...)
	}
	return all
}

func (b *bench) head(message []byte) wire.Broadcast {
	h, ok := wire.ParseBroadcast(message)
	if !ok {
		b.t.Fatalf("no message of a bMIX: %x", message[:50])
	}
	return h
}

// oracle says in the plainest way what a user gets: it knows the roster, the
// uploads and the randomness, and nothing of what was before.
func (b *bench) oracle(n cell.Slot, random *rand.ChaCha8, early func(i int) int8) (all [][]byte) {
	channels := 8
	for i, m := range b.members {
		for m != nil && channels <= i {
			channels += 8
		}
	}
	body := make([][]byte, channels)
	for i := range body {
		body[i] = binary.BigEndian.AppendUint16(nil, n.Low())
		if i < len(b.in) && b.members[i] != nil && b.in[i].Present {
			body[i] = b.in[i].Batch
			continue
		}
		garbage := make([]byte, 126)
		_, _ = random.Read(garbage)
		body[i] = append(body[i], garbage...)
	}
	for i := range b.members {
		var text []byte
		for k := 0; k < channels; k += 8 {
			turn := k + int(n)%8
			text = binary.BigEndian.AppendUint16(text, n.Low())
			text = append(text, byte(early(i)))
			for _, v := range []int{k, channels, turn} {
				text = binary.BigEndian.AppendUint16(text, uint16(v))
			}
			owner := make([]byte, 32)
			if turn < len(b.members) && b.members[turn] != nil {
				owner = append(bytes.Clone(b.members[turn].Handle[:]), b.members[turn].Record...)
			}
			text = append(append(text, owner...), make([]byte, 91)...)
			for _, cell := range body[k : k+8] {
				text = append(text, cell...)
			}
		}
		all = append(all, text)
	}
	return all
}
