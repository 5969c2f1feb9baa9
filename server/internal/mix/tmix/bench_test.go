package tmix

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"undertone/transport/cell"
	"undertone/transport/seal"
)

// load prepares one upload of each user for slot n.
func (b *bench) load(calls bool) {
	for i, u := range b.users {
		k := cell.Cover
		if calls {
			k = cell.Stream
		}
		body := stream("voice")
		b.in[i].Present = true
		u.up.Seal(b.up(i), b.n, seal.Head{Kind: k}, &body)
	}
}

// ringAll pairs the users up: seat i with i+half, so that peers lie far apart in
// memory.
func (b *bench) ringAll() {
	half := len(b.users) / 2
	for i := range b.users {
		b.put(i, cell.Ring, b.letter((i+half)%(2*half), "knock"))
	}
	b.slot()
	b.slot()
}

// BenchmarkSlot measures the pass of one slot for n users: of a set that idles and
// of one in which everybody talks, in turn, so that whatever else this machine
// does befalls both. calls/idle is the median of the ratio of the two, and must
// be one.
func BenchmarkSlot(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			sets := [2]*bench{newBench(b, n), newBench(b, n)}
			sets[1].ringAll()
			took := [2][]time.Duration{make([]time.Duration, 0, b.N), make([]time.Duration, 0, b.N)}
			ratios := make([]float64, 0, b.N)
			b.ReportAllocs()
			b.ResetTimer()
			for k := range b.N {
				b.StopTimer()
				sets[0].load(false)
				sets[1].load(true)
				b.StartTimer()
				for i := range sets {
					i ^= k & 1
					begin := time.Now()
					sets[i].set.Slot(sets[i].n, sets[i].in)
					took[i] = append(took[i], time.Since(begin))
					sets[i].n++
				}
				ratios = append(ratios, float64(took[1][k])/float64(took[0][k]))
			}
			b.StopTimer()
			b.ReportMetric(float64(median(took[0]))/float64(n), "idle-ns/user")
			b.ReportMetric(float64(median(took[1]))/float64(n), "calls-ns/user")
			b.ReportMetric(median(ratios), "calls/idle")
		})
	}
}

func median[T cmp.Ordered](v []T) T { return slices.Sorted(slices.Values(v))[len(v)/2] }

func TestSlotAllocatesNothing(t *testing.T) {
	for _, calls := range []bool{false, true} {
		b := newBench(t, 20)
		b.ringAll()
		b.load(calls)
		if n := testing.AllocsPerRun(200, func() {
			b.set.Slot(b.n, b.in)
			b.n++
			b.load(calls)
		}); n != 0 {
			t.Errorf("%v allocations in a slot, calls: %v", n, calls)
		}
	}
}

// TestSameWork counts the mailboxes that a slot writes to: one for streams and
// one for letters for each user, whatever he sends, and whether or not his cell
// came.
func TestSameWork(t *testing.T) {
	const users = 20
	send := map[string]func(b *bench, i int){
		"nothing": func(*bench, int) {},
		"cover":   func(b *bench, i int) { b.put(i, cell.Cover, cell.Body{}) },
		"streams": func(b *bench, i int) { b.put(i, cell.Stream, stream("voice")) },
		"letters": func(b *bench, i int) { b.put(i, cell.Letter, b.letter((i+3)%users, "letter")) },
		"letters to nobody": func(b *bench, i int) {
			b.put(i, cell.Letter, stream("nobody has this handle"))
		},
		"rings":    func(b *bench, i int) { b.put(i, cell.Ring, b.letter((i+users/2)%users, "ring")) },
		"controls": func(b *bench, i int) { b.put(i, cell.Control, cell.Body{1}) },
		"garbage":  func(b *bench, i int) { *b.up(i), b.in[i].Present = cell.Cell{}, true },
	}
	for name, f := range send {
		b := newBench(t, users)
		b.ringAll()
		for range 3 {
			var untouched cell.Body
			untouched[0] = 0xee
			for i := range b.set.seats {
				s := &b.set.seats[i]
				b.set.bodies[i] = cell.Body{}
				for p := range s.stream.body {
					s.stream.body[p] = untouched
				}
				for p := range s.post.place {
					s.post.place[p].body = untouched
				}
				f(b, i)
			}
			b.pass()
			streams, letters := 0, 0
			for i := range b.set.seats {
				s := &b.set.seats[i]
				for p := range s.stream.body {
					if s.stream.body[p] != untouched {
						streams++
					}
				}
				for p := range s.post.place {
					if s.post.place[p].body != untouched {
						letters++
					}
				}
			}
			if streams != users || letters != users {
				t.Errorf("%s: %d stream and %d letter mailboxes were written", name, streams, letters)
			}
		}
	}
}
