package smix

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"undertone/server/internal/mix/half"
	"undertone/transport/cell"
	"undertone/transport/superpose"
)

// What a member does in a slot, by the first byte of his part of the input.
const (
	sendNothing = iota
	sendShare
	sendChanged
	sendBytes
	doings
)

// FuzzSlot has the members of an epoch send what the input says: nothing, an
// honest share, one that is changed somewhere, or any bytes. Everybody gets his
// messages in every slot, whatever comes of it.
func FuzzSlot(f *testing.F) {
	const members, slots = 3, 10
	maker, err := New(Config{Interval: cell.Interval40, Channels: 8, Seats: members, Pin: pin})
	if err != nil {
		f.Fatal(err)
	}
	var entrants []half.Entrant
	for range members {
		entrants = append(entrants, entrantOf(f, maker)) // To make one is slow, and the same each time.
	}
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{sendShare}, members*slots))
	f.Add(bytes.Repeat([]byte{sendShare, sendChanged, 0, 3, 4, 1, 2, 3, 4}, 40))
	f.Add(bytes.Repeat([]byte{sendShare, sendShare, sendBytes}, 200))
	f.Add(append(bytes.Repeat([]byte{sendShare}, members*4), make([]byte, members*slots)...))
	f.Fuzz(func(t *testing.T, input []byte) {
		r := newRigOf(t, entrants, 8)
		in := bytes.NewReader(input)
		for range slots {
			for seat := range members {
				r.do(seat, in)
			}
			r.step()
			r.checkDown(t)
		}
		// An upload has up to 34 grains, each of which may be an item that makes no sense.
		if c := r.Refused(); c > members*slots*35 {
			t.Fatalf("%d uploads were refused", c)
		}
	})
}

// do has a member do what stands next in the input.
func (r *rig) do(seat int, in *bytes.Reader) {
	what, _ := in.ReadByte()
	if what%doings == sendNothing {
		r.in[seat].Present = false
		return
	}
	b := r.upload(seat, r.epochAt(r.slot+1).Low())
	switch what % doings {
	case sendChanged:
		var head [3]byte // Where, and how many bytes.
		_, _ = in.Read(head[:])
		at := int(binary.BigEndian.Uint16(head[:])) % len(b)
		change := make([]byte, head[2])
		_, _ = in.Read(change)
		for i := range min(len(change), len(b)-at) {
			b[at+i] ^= change[i]
		}
	case sendBytes:
		_, _ = in.Read(b[:min(len(b), 80)])
		binary.BigEndian.PutUint16(b, (r.slot + 1).Low()) // The session sorts by it.
	}
}

// checkDown checks what everybody gets.
func (r *rig) checkDown(t *testing.T) {
	t.Helper()
	shape := r.Down()
	for p := range shape.Parts {
		for k := range shape.Messages {
			for seat, m := range r.seats {
				if m == nil {
					continue
				}
				b := slices.Clone(r.Out(seat, p, k, make([]byte, cell.MaxMessage)))
				if h, ok := superpose.ParseDown(b); !ok || len(b) != superpose.Size || h.Slot != r.slot.Low() {
					t.Fatalf("slot %d, seat %d: %d bytes, %+v", r.slot, seat, len(b), h)
				}
			}
		}
	}
}
