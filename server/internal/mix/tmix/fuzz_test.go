package tmix

import (
	"bytes"
	"slices"
	"testing"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
)

// What a user does in a slot, by the first byte of his part of the input.
const (
	sendNothing = iota
	sendBytes
	sendBody
	sendLetter
	doings
)

// FuzzSlot has some users send what the input says: nothing, any bytes, or, what
// one can do who keeps to his key, any body under any kind. Everybody gets a cell
// that opens in every slot, whatever comes of it.
func FuzzSlot(f *testing.F) {
	const users, slots = 3, 12
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{sendBytes}, 3*130))
	call := []byte{sendLetter + 1*doings, byte(cell.Ring), sendLetter, byte(cell.Ring), sendNothing}
	voice := append([]byte{sendBody, byte(cell.Stream)}, make([]byte, cell.BodySize)...)
	clearRoute := append([]byte{sendBody, byte(cell.Control), 1}, make([]byte, cell.BodySize-1)...)
	f.Add(slices.Concat(call, voice, voice, []byte{sendLetter, byte(cell.Letter)}, voice, clearRoute, voice))
	f.Fuzz(func(t *testing.T, input []byte) {
		b := newBench(t, users)
		var known []key.Handle
		for _, u := range b.users {
			known = append(known, u.handle)
		}
		in, raw := bytes.NewReader(input), uint64(0)
		for range slots {
			for i := range users {
				raw += b.do(i, in)
			}
			for i, h := range b.pass() {
				switch h.kind {
				case cell.Cover, cell.Stream:
				case cell.Letter:
					if from := seal.LetterAddress(&h.body); !slices.Contains(known, from) {
						t.Fatalf("user %d got a letter from %v, who is nobody", i, from)
					}
				default:
					t.Fatalf("user %d got a cell of kind %v", i, h.kind)
				}
			}
		}
		if got := b.set.Refused(); got > raw {
			t.Fatalf("%d cells were refused, and only %d could be", got, raw)
		}
	})
}

// do has user i do what stands next in the input, and returns how many cells the
// server may refuse for it.
func (b *bench) do(i int, in *bytes.Reader) uint64 {
	what, _ := in.ReadByte()
	switch what % doings {
	case sendBytes:
		b.in[i].Present = true
		clear(b.in[i].Batch)
		_, _ = in.Read(b.in[i].Batch)
		return 1
	case sendBody:
		kind, _ := in.ReadByte()
		var body cell.Body
		_, _ = in.Read(body[:])
		b.put(i, cell.Kind(kind), body)
	case sendLetter:
		kind, _ := in.ReadByte()
		b.put(i, cell.Kind(kind), b.letter(int(what/doings)%len(b.users), "letter"))
	}
	return 0
}
