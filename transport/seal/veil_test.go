package seal

import (
	"bytes"
	"testing"

	"undertone/transport/cell"
	"undertone/transport/key"
)

// way is one between two users with connection values made of one byte each.
func way(from, to byte) Way {
	return Way{
		From: key.Handle(bytes.Repeat([]byte{from}, key.HandleSize)), To: key.Handle(bytes.Repeat([]byte{to}, key.HandleSize)),
		FromConn: key.Connection(bytes.Repeat([]byte{from + 1}, key.ConnectionSize)), ToConn: key.Connection(bytes.Repeat([]byte{to + 1}, key.ConnectionSize)),
	}
}

// Protocol 3, step 4: who has the key finds the cell and reads it, nobody else
// does.
func TestProtocol3Step4(t *testing.T) {
	pair := secret(t, 1)
	k := ContactVeil(&pair, way(10, 20))
	v, other := NewVeil(&k), NewGarbageVeil()
	plain := bytes.Repeat([]byte("plain text"), 12)
	veiled, got := make([]byte, VeilTagSize+len(plain)), make([]byte, len(plain))
	v.Cloak(veiled, 77, plain)
	if tag := v.Tag(77); !bytes.Equal(tag[:], veiled[:VeilTagSize]) {
		t.Error("the addressee does not find the cell")
	}
	if v.Lift(got, 77, veiled); !bytes.Equal(got, plain) {
		t.Error("the addressee cannot read the cell")
	}
	if tag := other.Tag(77); bytes.Equal(tag[:], veiled[:VeilTagSize]) {
		t.Error("somebody else finds the cell")
	}
	if other.Lift(got, 77, veiled); bytes.Contains(got, []byte("plain")) {
		t.Error("somebody else reads the cell")
	}
}

// No tag and no byte of a stream comes again: not in another slot, in the other
// direction, on another connection, nor for another purpose.
func TestVeilsNeverMeet(t *testing.T) {
	pair := secret(t, 1)
	again := way(10, 20)
	again.FromConn[0]++
	back := way(10, 20)
	back.ToConn[0]++
	keys := []key.Secret{
		ContactVeil(&pair, way(10, 20)), ContactVeil(&pair, way(20, 10)), ContactVeil(&pair, again), ContactVeil(&pair, back),
		IntroVeil(&pair, way(10, 20)), GroupVeil(&pair, 0, way(10, 0).From, way(10, 0).FromConn), GroupVeil(&pair, 1, way(10, 0).From, way(10, 0).FromConn),
		GroupVeil(&pair, 0, way(10, 0).From, again.FromConn),
	}
	seen := map[[16]byte]bool{}
	var zeros, b [8 + 128]byte
	for i := range keys {
		v := NewVeil(&keys[i])
		for n := range cell.Slot(50) {
			v.Cloak(b[:], n, zeros[:128])
			for at := VeilTagSize; at+16 <= len(b); at += 16 {
				block := [16]byte(b[at:])
				if seen[block] {
					t.Fatalf("a block of slot %d comes again", n)
				}
				seen[block] = true
			}
			tag := v.Tag(n)
			var block [16]byte
			if copy(block[:], tag[:]); seen[block] {
				t.Fatalf("the tag of slot %d comes again", n)
			}
			seen[block] = true
		}
	}
}

func TestVeilAllocatesNothing(t *testing.T) {
	v := NewGarbageVeil()
	plain, veiled := make([]byte, 120), make([]byte, 128)
	n := cell.Slot(0)
	if a := testing.AllocsPerRun(100, func() {
		n++
		v.Cloak(veiled, n, plain)
		v.Lift(plain, n, veiled)
		v.Tag(n)
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

func BenchmarkVeil(b *testing.B) {
	v := NewGarbageVeil()
	plain, veiled := make([]byte, 120), make([]byte, 128)
	b.Run("tag", func(b *testing.B) {
		b.ReportAllocs()
		for n := range cell.Slot(b.N) { //nolint:gosec // positive
			v.Tag(n)
		}
	})
	b.Run("cell", func(b *testing.B) {
		b.ReportAllocs()
		for n := range cell.Slot(b.N) { //nolint:gosec // positive
			v.Cloak(veiled, n, plain)
		}
	})
}
