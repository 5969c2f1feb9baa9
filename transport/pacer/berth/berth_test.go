package berth_test

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"undertone/transport/cell"
	"undertone/transport/pacer/berth"
)

// size is that of a batch of 2 messages.
const size = 2 * 1156

func marked(n cell.Slot, version byte) []byte {
	b := bytes.Repeat([]byte{version}, size)
	binary.BigEndian.PutUint64(b, uint64(n))
	return b
}

// TestAgainstOracle compares a Ring with a map that does what the comments say.
func TestAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const depth = 4
		r := berth.New(depth, size)
		held := map[cell.Slot][]byte{}
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
			got := make([]byte, size)
			want, ok := held[n]
			if r.Has(n) != ok {
				t.Fatalf("has %d: %v", n, !ok)
			}
			if r.Take(n, got) != ok || ok && !bytes.Equal(got, want) {
				t.Fatalf("take of %d failed or gave another message, want %v", n, ok)
			}
			if newest[b] <= n {
				delete(held, newest[b])
				taken[b] = n
				newest[b] = n
			}
		}
	})
}

// TestNeverTorn has both sides race: a message that is taken is always whole, for
// the right slot, and one that a put was refused for is never taken.
func TestNeverTorn(t *testing.T) {
	const slots = 20000
	r := berth.New(4, size)
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
	c := make([]byte, size)
	for n := cell.Slot(1); n <= slots; n++ {
		current.Store(uint64(n))
		taken[n] = r.Take(n, c)
		if !taken[n] {
			continue
		}
		if got := cell.Slot(binary.BigEndian.Uint64(c)); got != n {
			t.Fatalf("slot %d gave the message of %d", n, got)
		}
		for _, b := range c[9:] {
			if b != c[8] {
				t.Fatalf("slot %d gave parts of two messages", n)
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

// TestReplaceLeavesNoGap has one side replace what is ready again and again while
// the other takes. What lay there before is never out of reach.
func TestReplaceLeavesNoGap(t *testing.T) {
	const slots = 4000
	r := berth.New(4, size)
	var current atomic.Uint64
	current.Store(1)
	r.Put(1, marked(1, 0))
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for version := byte(1); ; version++ {
			select {
			case <-done:
				return
			default:
				n := cell.Slot(current.Load())
				r.Put(n, marked(n, version))
			}
		}
	})
	got := make([]byte, size)
	for n := cell.Slot(1); n <= slots; n++ {
		for !r.Has(n) { // The first put for n has not come yet.
			runtime.Gosched()
		}
		if !r.Take(n, got) {
			t.Fatalf("slot %d was ready, and then it was not", n)
		}
		current.Store(uint64(n + 1))
	}
	close(done)
	wg.Wait()
}

// TestOddLengths puts messages of other lengths than the ring's.
func TestOddLengths(t *testing.T) {
	r := berth.New(4, size)
	if r.Depth() != 4 || r.Size() != size {
		t.Fatalf("%d berths of %d bytes", r.Depth(), r.Size())
	}
	for _, n := range []int{0, 1, size - 1, size + 1} {
		if r.Put(1, make([]byte, n)) || r.Has(1) {
			t.Errorf("took a message of %d bytes", n)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	r := berth.New(4, size)
	b := make([]byte, size)
	n := cell.Slot(1)
	if a := testing.AllocsPerRun(1000, func() { r.Put(n, b); r.Take(n, b); n++ }); a != 0 {
		t.Fatalf("%v allocations", a)
	}
}

func BenchmarkPutTake(b *testing.B) {
	for _, size := range []int{cell.Size, 1156, 4 * 2 * 1156} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			r := berth.New(256, size)
			m := make([]byte, size)
			b.ReportAllocs()
			n := cell.Slot(1)
			for b.Loop() {
				r.Put(n, m)
				r.Take(n, m)
				n++
			}
		})
	}
}
