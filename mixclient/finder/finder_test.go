package finder

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"

	"pgregory.net/rapid"
)

func secret(i int) *key.Secret {
	var b [key.SecretSize]byte
	binary.BigEndian.PutUint64(b[:], uint64(i)+1) //nolint:gosec // positive
	s, _ := key.NewSecret(b[:])
	return &s
}

func who(i int) Source {
	return Source{From: key.Handle{byte(i >> 8), byte(i), 1}, Place: -1}
}

// Protocol 3, step 4, against an oracle that tries every key on the cell: sources
// come, change and go, and slots come in any order.
func TestProtocol3Step4AgainstTryingAllKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, keys := New(), map[int]*key.Secret{}
		number := rapid.IntRange(0, 40)
		slot := rapid.Uint64Range(1, 6)
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				i := number.Draw(t, "source")
				keys[i] = secret(rapid.IntRange(0, 1000).Draw(t, "key")*100 + i)
				f.Set(i, keys[i], who(i))
			},
			"remove": func(t *rapid.T) {
				i := number.Draw(t, "source")
				delete(keys, i)
				f.Set(i, nil, Source{})
			},
			"find": func(t *rapid.T) {
				i, n := number.Draw(t, "sender"), cell.Slot(slot.Draw(t, "slot"))
				veil := seal.NewGarbageVeil()
				if keys[i] != nil {
					veil = seal.NewVeil(keys[i])
				}
				plain, got := bytes.Repeat([]byte{7}, 120), make([]byte, 120)
				var veiled cell.Cell
				veil.Cloak(veiled[:], n, plain)
				s, ok := f.Lift(got, n, veiled[:])
				if ok != (keys[i] != nil) || ok && (s != who(i) || !bytes.Equal(got, plain)) {
					t.Fatalf("source %d in slot %d: found %v %v", i, n, ok, s)
				}
			},
			"": func(t *rapid.T) {
				if f.Len() != len(keys) {
					t.Fatalf("%d sources, want %d", f.Len(), len(keys))
				}
			},
		})
	})
}

// The cell of one slot is not found in another: a server that tells old cells
// again is not heard.
func TestOldCellsAreNotFound(t *testing.T) {
	f := New()
	f.Set(0, secret(1), who(0))
	var veiled cell.Cell
	plain := make([]byte, 120)
	seal.NewVeil(secret(1)).Cloak(veiled[:], 5, plain)
	for n := range cell.Slot(10) {
		if _, ok := f.Lift(plain, n, veiled[:]); ok != (n == 5) {
			t.Errorf("slot %d: found is %v", n, ok)
		}
	}
}

func full(sources int) *Finder {
	f := New()
	for i := range sources {
		f.Set(i, secret(i), who(i))
	}
	return f
}

func TestAllocatesNothing(t *testing.T) {
	f := full(500)
	var veiled cell.Cell
	plain := make([]byte, 120)
	n := cell.Slot(0)
	f.Lift(plain, 1, veiled[:])
	f.Lift(plain, 2, veiled[:])
	if a := testing.AllocsPerRun(100, func() {
		n++
		f.Lift(plain, n, veiled[:])
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

// BenchmarkSlot is what a slot of a bMIX of 300 costs: its tags, and 300 cells
// for nobody here, or all for this user.
func BenchmarkSlot(b *testing.B) {
	const channels, sources = 300, 900
	for _, mine := range []bool{false, true} {
		b.Run(map[bool]string{false: "cells of others", true: "cells for me"}[mine], func(b *testing.B) {
			f := full(sources)
			veil := seal.NewVeil(secret(3))
			cells := make([]cell.Cell, channels)
			plain := make([]byte, 120)
			b.ReportAllocs()
			for n := range cell.Slot(b.N) { //nolint:gosec // positive
				for i := range cells {
					if binary.BigEndian.PutUint64(cells[i][:], rand.Uint64()); mine { //nolint:gosec // a test
						tag := veil.Tag(n)
						copy(cells[i][:], tag[:])
					}
					f.Lift(plain, n, cells[i][:])
				}
			}
		})
	}
}
