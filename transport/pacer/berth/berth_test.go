package berth_test

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"undertone/transport/cell"
	"undertone/transport/pacer/berth"
)

func marked(n cell.Slot, version byte) *cell.Cell {
	var c cell.Cell
	for i := range c {
		c[i] = version
	}
	binary.BigEndian.PutUint64(c[:], uint64(n))
	return &c
}

// TestAgainstOracle compares a Ring with a map that does what the comments say.
func TestAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const depth = 4
		r := berth.New(depth)
		held := map[cell.Slot]*cell.Cell{}
		var taken, newest [depth]cell.Slot // by berth; slots start at 1
		next := cell.Slot(1)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			n := next + cell.Slot(rapid.IntRange(-2, 6).Draw(t, "ahead")+2) - min(next, 2)
			if n == 0 {
				continue
			}
			b := n % depth
			if rapid.Bool().Draw(t, "put") {
				c := marked(n, rapid.Byte().Draw(t, "version"))
				want := n > taken[b] && n >= newest[b]
				if got := r.Put(n, c); got != want {
					t.Fatalf("put for %d: %v, want %v", n, got, want)
				}
				if want {
					delete(held, newest[b])
					newest[b] = n
					held[n] = c
				}
				continue
			}
			if n < next {
				continue
			}
			next = n + 1
			var got cell.Cell
			want, ok := held[n]
			if r.Has(n) != ok {
				t.Fatalf("has %d: %v", n, !ok)
			}
			if r.Take(n, &got) != ok || ok && got != *want {
				t.Fatalf("take of %d failed or gave another cell, want %v", n, ok)
			}
			if newest[b] <= n {
				delete(held, newest[b])
				taken[b] = n
				newest[b] = n
			}
		}
	})
}

// TestNeverTorn has both sides race: a cell that is taken is always whole, for
// the right slot, and one that a put was refused for is never taken.
func TestNeverTorn(t *testing.T) {
	const slots = 20000
	r := berth.New(4)
	accepted := make([]bool, slots+8)
	var current atomic.Uint64
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		for version := byte(0); ; version++ {
			select {
			case <-done:
				return
			default:
			}
			n := cell.Slot(current.Load())
			if r.Put(n, marked(n, version)) {
				accepted[n] = true
			}
		}
	})
	taken := make([]bool, slots+8)
	for n := cell.Slot(1); n <= slots; n++ {
		current.Store(uint64(n))
		var c cell.Cell
		taken[n] = r.Take(n, &c)
		if !taken[n] {
			continue
		}
		if got := cell.Slot(binary.BigEndian.Uint64(c[:])); got != n {
			t.Fatalf("slot %d gave the cell of %d", n, got)
		}
		for _, b := range c[9:] {
			if b != c[8] {
				t.Fatalf("slot %d gave parts of two cells", n)
			}
		}
	}
	close(done)
	wg.Wait()
	for n, ok := range taken {
		if ok && !accepted[n] {
			t.Fatalf("slot %d was taken, though every put was refused", n)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	r := berth.New(4)
	var c cell.Cell
	n := cell.Slot(1)
	if a := testing.AllocsPerRun(1000, func() { r.Put(n, &c); r.Take(n, &c); n++ }); a != 0 {
		t.Fatalf("%v allocations", a)
	}
}
