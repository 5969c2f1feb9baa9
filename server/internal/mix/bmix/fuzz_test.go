package bmix

import (
	"bytes"
	"encoding/binary"
	"testing"

	"undertone/transport/cell"
	"undertone/transport/wire"
)

// What a user does in a slot, by the first byte of his part of the input.
const (
	sendNothing = iota
	sendBytes
	comeOnline
	goOffline
	doings
)

// FuzzSlot has users come, go and send what the input says. Whoever is online gets
// all channels in every slot, with what was sent in its place, byte for byte.
func FuzzSlot(f *testing.F) {
	const seats, slots, people = 10, 6, 12
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{sendBytes, 7}, seats*slots*70))
	f.Add(bytes.Repeat([]byte{comeOnline, goOffline, comeOnline + 5*doings, sendBytes}, 200))
	f.Fuzz(func(t *testing.T, input []byte) {
		b := newBench(t, seats)
		b.join(0, 1)
		in := bytes.NewReader(input)
		for range slots {
			sent := map[int][]byte{}
			for i := range seats {
				what, _ := in.ReadByte()
				switch what % doings {
				case sendBytes:
					b.in[i].Present = true
					clear(b.in[i].Batch)
					_, _ = in.Read(b.in[i].Batch)
					binary.BigEndian.PutUint16(b.in[i].Batch, b.n.Low()) // The session sorts by it.
					sent[i] = bytes.Clone(b.in[i].Batch)
				case comeOnline:
					b.join(i, uint32(what/doings)%people+1)
				case goOffline:
					b.leave(i)
				}
			}
			b.slot()
			for i, m := range b.members {
				if m != nil {
					b.checkDown(i, sent)
				}
			}
		}
	})
}

// checkDown looks for what was sent in what a user gets.
func (b *bench) checkDown(i int, sent map[int][]byte) {
	b.t.Helper()
	all := b.down(i)
	if len(all) != b.set.Down().Bytes() {
		b.t.Fatalf("%d bytes for user %d", len(all), i)
	}
	for k := 0; k < len(all); k += wire.BroadcastSize {
		b.head(all[k : k+wire.BroadcastSize])
	}
	const cells = wire.BroadcastSize - Cells*cell.Size
	for from, want := range sent {
		if b.members[from] == nil {
			continue
		}
		at := from/Cells*wire.BroadcastSize + cells + from%Cells*cell.Size
		if !bytes.Equal(all[at:at+cell.Size], want) {
			b.t.Fatalf("user %d got %x of user %d, who sent %x", i, all[at:at+8], from, want[:8])
		}
	}
}
