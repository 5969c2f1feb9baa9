package trickle

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"undertone/transport/cell"

	"pgregory.net/rapid"
)

// Over a line that loses, repeats and delays, with chunks of both sizes, every
// item comes once, in order, and nothing else.
func TestItemsComeOnceAndInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		loss := rapid.Float64Range(0, 0.6).Draw(t, "loss")
		delay := rapid.IntRange(0, 12).Draw(t, "delay")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)) //nolint:gosec // a test
		var s Sender
		var r Receiver
		var want, got [][]byte
		acks := make([]uint16, delay+1)
		for n := cell.Slot(0); n < 9000 && (n < 100 || s.Acked() < s.End()); n++ {
			if n < 100 && rng.IntN(4) == 0 {
				item := make([]byte, 1+rng.IntN(1400))
				for i := range item {
					item[i] = byte(rng.Uint32())
				}
				want = append(want, item)
				s.Queue(Frame(item[:len(item)/2], item[len(item)/2:]))
			}
			chunk := make([]byte, Grain*(1+33*int(n/64%2)))
			grain, count := s.Chunk(chunk, n)
			if rng.Float64() >= loss {
				r.Put(grain, count, chunk)
				r.Put(grain, count, chunk)
			}
			for item, ok := r.Next(); ok; item, ok = r.Next() {
				got = append(got, bytes.Clone(item))
			}
			acks = append(acks[1:], r.Ack())
			if rng.Float64() >= loss {
				s.Ack(acks[0])
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%d of %d items came", len(got), len(want))
		}
		for i := range want {
			if !bytes.Equal(got[i], want[i]) {
				t.Fatalf("item %d is not what was sent", i)
			}
		}
		if len(s.items) != 0 || r.Broken() {
			t.Errorf("%d items are kept after all were acked; broken is %v", len(s.items), r.Broken())
		}
	})
}

// A chunk depends on the slot and on what was acked, and on nothing else: made in
// advance or twice it is the same.
func TestChunkIsAFunctionOfItsSlot(t *testing.T) {
	var s Sender
	s.Queue(Frame(bytes.Repeat([]byte{5}, 1300)))
	a, b := make([]byte, Grain), make([]byte, Grain)
	for n := range cell.Slot(40) {
		ga, _ := s.Chunk(a, n)
		for m := range cell.Slot(40) {
			s.Chunk(b, m)
		}
		if gb, _ := s.Chunk(b, n); ga != gb || !bytes.Equal(a, b) {
			t.Fatalf("slot %d carries another chunk the second time", n)
		}
	}
}

// A window of a round trip is enough for a new grain in every slot.
func TestFullRate(t *testing.T) {
	var s Sender
	var r Receiver
	s.Queue(Frame(make([]byte, 4000)))
	acks := make([]uint16, 10)
	slots := cell.Slot(0)
	for ; s.Acked() < s.End() && slots < 1000; slots++ {
		b := make([]byte, Grain)
		g, c := s.Chunk(b, slots)
		r.Put(g, c, b)
		acks = append(acks[1:], r.Ack())
		s.Ack(acks[0])
	}
	if want := cell.Slot(s.End()) + 60; slots > want {
		t.Errorf("%d grains took %d slots, more than %d", s.End(), slots, want)
	}
}

// A hostile peer: acks of what was never sent, lengths that are none.
func TestStrangersCannotBreakASender(t *testing.T) {
	var s Sender
	s.Queue(Frame([]byte("item")))
	s.Ack(7)
	s.Ack(0xffff)
	if s.Acked() != 0 {
		t.Error("an ack of what was not sent counted")
	}
	var r Receiver
	r.Put(0, 1, make([]byte, Grain))
	if _, ok := r.Next(); ok || !r.Broken() {
		t.Error("an item without a length was read")
	}
	r.Put(1, 1, make([]byte, Grain))
	if r.Ack() != 1 {
		t.Error("a broken stream goes on")
	}
}

func FuzzReceiver(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0, 4, 1, 2, 3, 4})
	f.Add(bytes.Repeat([]byte{0xff}, 200))
	f.Fuzz(func(t *testing.T, in []byte) {
		var r Receiver
		for len(in) > 3 {
			grain, count := uint16(in[0])<<8|uint16(in[1]), int(int8(in[2]))
			n := min(len(in)-3, Grain*34)
			r.Put(grain, count, in[3:3+n])
			in = in[3+n:]
			for item, ok := r.Next(); ok; item, ok = r.Next() {
				if len(item) == 0 || len(item) > MaxItem {
					t.Fatalf("an item of %d bytes", len(item))
				}
			}
			if r.got < r.next || r.got > r.next+capacity {
				t.Fatalf("has %d, took %d", r.got, r.next)
			}
		}
	})
}

func TestAllocatesNothing(t *testing.T) {
	var s Sender
	var r Receiver
	for range 200 {
		s.Queue(Frame(make([]byte, 1300)))
	}
	b, n := make([]byte, 34*Grain), cell.Slot(0)
	if a := testing.AllocsPerRun(100, func() {
		n++
		g, c := s.Chunk(b, n)
		r.Put(g, c, b)
		r.Next()
		s.Ack(r.Ack())
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
}
