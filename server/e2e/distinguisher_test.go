//go:build !race

package e2e

import (
	"bytes"
	"compress/flate"
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"slices"
	"sort"
	"testing"
)

// A view is what a server has of a set: for each user the blocks that he sent,
// slot by slot, all of one length; what is known already and must not turn up in
// them; and a description of everything that the server holds.
type view struct {
	users [][][]byte
	known [][]byte
	held  []int // lengths of all that is held, from time to time
	// stride is how far apart the places are in which something may come again: one
	// for any place. Blocks that are long take long.
	stride int
}

// packed bounds how much is tried to be written shorter.
const packed = 200_000

// bound is how many standard deviations a figure may be off. A view has some
// hundred thousand of them: with chance alone one in a thousand views would reach
// six.
const bound = 6.5

// suspicions is a distinguisher that needs no other view: it lists everything in
// which blocks are not like random ones.
func (v *view) suspicions() (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	for u, blocks := range v.users {
		for at := range blocks[0] {
			value, step := make([]int, 256), make([]int, 256)
			for i, b := range blocks {
				value[b[at]]++
				if i > 0 {
					step[b[at]-blocks[i-1][at]]++
				}
			}
			if z := uneven(value); z > bound {
				add("user %d, byte %d: its values are uneven by %.1f deviations", u, at, z)
			}
			if z := unbalanced(value); z > bound {
				add("user %d, byte %d: a bit is set too often or too seldom, by %.1f deviations", u, at, z)
			}
			if z := uneven(step); z > bound {
				add("user %d, byte %d: from slot to slot it changes unevenly, by %.1f deviations", u, at, z)
			}
		}
	}
	v.repeats(add)
	v.pairs(add)
	return all
}

// uneven returns by how many deviations counts differ from even ones (chi-square,
// by the approximation of Wilson and Hilferty).
func uneven(counts []int) float64 {
	n := 0
	for _, c := range counts {
		n += c
	}
	want, chi := float64(n)/float64(len(counts)), 0.0
	for _, c := range counts {
		chi += (float64(c) - want) * (float64(c) - want) / want
	}
	df := float64(len(counts) - 1)
	return (math.Cbrt(chi/df) - (1 - 2/(9*df))) / math.Sqrt(2/(9*df))
}

// unbalanced returns by how many deviations from one half the worst bit of a byte
// is set, from how often each value came.
func unbalanced(counts []int) (worst float64) {
	for bit := range 8 {
		ones, n := 0, 0
		for v, c := range counts {
			n += c
			ones += c * (v >> bit & 1)
		}
		worst = max(worst, math.Abs(float64(ones)-float64(n)/2)/math.Sqrt(float64(n)/4))
	}
	return worst
}

// repeats looks for eight bytes that come twice, or that are known.
func (v *view) repeats(add func(string, ...any)) {
	const size = 8
	seen := map[[size]byte]bool{}
	for _, k := range v.known {
		for at := range len(k) - size + 1 {
			seen[[size]byte(k[at:])] = true
		}
	}
	found := 0
	var all []byte
	for _, blocks := range v.users {
		for _, b := range blocks {
			all = append(all, b...)
			for at := 0; at+size <= len(b); at += max(v.stride, 1) {
				w := [size]byte(b[at:])
				if seen[w] {
					found++
				}
				seen[w] = true
			}
		}
	}
	if found > 0 {
		add("eight bytes come again %d times", found)
	}
	var short bytes.Buffer
	all = all[:min(len(all), packed)]
	w, _ := flate.NewWriter(&short, flate.DefaultCompression)
	_, _ = w.Write(all)
	_ = w.Close()
	if short.Len() < len(all) {
		add("%d bytes can be written in %d", len(all), short.Len())
	}
}

// pairs looks for what two users have in common in a slot, such as caller and
// callee.
func (v *view) pairs(add func(string, ...any)) {
	for a := range v.users {
		for b := range a {
			for at := range v.users[a][0] {
				both := make([]int, 256)
				for i := range min(len(v.users[a]), len(v.users[b])) {
					both[v.users[a][i][at]^v.users[b][i][at]]++
				}
				if z := uneven(both); z > bound {
					add("users %d and %d, byte %d: related by %.1f deviations", b, a, at, z)
				}
			}
		}
	}
}

// compare is a distinguisher with two views: it lists every feature of blocks by
// which those of one are told from those of the other.
func compare(v, w *view) (all []string) {
	features := map[string]func(b []byte) float64{
		"ones": func(b []byte) float64 {
			n := 0
			for _, x := range b {
				n += bits.OnesCount8(x)
			}
			return float64(n)
		},
		"zero bytes":     func(b []byte) float64 { return float64(bytes.Count(b, []byte{0})) },
		"equal in a row": equalInARow,
		"the sum": func(b []byte) float64 {
			n := 0
			for _, x := range b {
				n += int(x)
			}
			return float64(n)
		},
		"the first byte": func(b []byte) float64 { return float64(b[0]) },
		"distinct bytes": func(b []byte) float64 {
			var seen [256]bool
			n := 0.0
			for _, x := range b {
				if !seen[x] {
					seen[x] = true
					n++
				}
			}
			return n
		},
	}
	for name, f := range features {
		for u := range v.users {
			var x, y []float64
			for _, b := range v.users[u] {
				x = append(x, f(b))
			}
			for _, b := range w.users[u] {
				y = append(y, f(b))
			}
			if z := apart2(x, y); z > bound {
				all = append(all, fmt.Sprintf("user %d: %s tell a call from none, by %.1f deviations", u, name, z))
			}
		}
	}
	if !reflect.DeepEqual(v.held, w.held) {
		all = append(all, "the server holds more or less with a call than without")
	}
	return all
}

func equalInARow(b []byte) float64 {
	longest, run := 1, 1
	for i := 1; i < len(b); i++ {
		if run++; b[i] != b[i-1] {
			run = 1
		}
		longest = max(longest, run)
	}
	return float64(longest)
}

// apart2 returns how far the area under the ROC curve of a feature is from one
// half, in standard deviations (Mann and Whitney, with ties).
func apart2(x, y []float64) float64 {
	type item struct {
		v float64
		x bool
	}
	all := make([]item, 0, len(x)+len(y))
	for _, v := range x {
		all = append(all, item{v, true})
	}
	for _, v := range y {
		all = append(all, item{v, false})
	}
	sort.Slice(all, func(i, j int) bool { return all[i].v < all[j].v })
	rank, ties := 0.0, 0.0
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j].v == all[i].v {
			j++
		}
		for _, it := range all[i:j] {
			if it.x {
				rank += float64(i+j+1) / 2
			}
		}
		t := float64(j - i)
		ties += t*t*t - t
		i = j
	}
	n, m := float64(len(x)), float64(len(y))
	u := rank - n*(n+1)/2
	variance := n * m / 12 * (n + m + 1 - ties/((n+m)*(n+m-1)))
	if variance <= 0 {
		return 0
	}
	return math.Abs(u-n*m/2) / math.Sqrt(variance)
}

// lengths lists the length of everything that can be reached from a value, in an
// order that depends on nothing but its shape: what a core dump would show of
// what there is, apart from what it says. Fields with a name in skip are left out.
func lengths(root any, skip ...string) (all []int) {
	seen := map[uintptr]bool{}
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() && !seen[v.Pointer()] {
				seen[v.Pointer()] = true
				walk(v.Elem())
			}
		case reflect.Interface:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if !slices.Contains(skip, v.Type().Field(i).Name) {
					walk(v.Field(i))
				}
			}
		case reflect.Slice:
			all = append(all, v.Len(), v.Cap())
			fallthrough
		case reflect.Array:
			if k := v.Type().Elem().Kind(); k >= reflect.Bool && k <= reflect.Complex128 {
				return
			}
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Map, reflect.String:
			all = append(all, v.Len())
		default:
		}
	}
	walk(reflect.ValueOf(root))
	return all
}

// Controls: the distinguisher sees each of these leaks, and finds nothing in
// random blocks.
func catches(t *testing.T, clean func() *view, calls []int) {
	t.Helper()
	if s := clean().suspicions(); len(s) > 0 {
		t.Fatalf("without a leak it suspects %d things: %v", len(s), s[:min(len(s), 3)])
	}
	caller := calls[0]
	for name, leak := range map[string]func(v *view){
		"a garbage cell of zeros": func(v *view) { clear(v.users[caller][50]) },
		"a repeated tag": func(v *view) {
			copy(v.users[caller][60][:8], v.users[caller][20][:8])
		},
		"a raw public key": func(v *view) {
			for i := 20; i < 24; i++ {
				copy(v.users[caller][i][32:], bytes.Repeat([]byte{1, 200, 31, 77}, 8))
			}
		},
		"a known name": func(v *view) { copy(v.users[caller][33][40:], v.known[0]) },
		"a counter": func(v *view) {
			for i, b := range v.users[caller] {
				b[9] = byte(i)
			}
		},
		"a counter that is masked by a constant": func(v *view) {
			for i, b := range v.users[caller] {
				b[9] = byte(3*i) ^ 0x80
			}
		},
		"one biased byte": func(v *view) {
			for i, b := range v.users[caller] {
				if i%6 == 0 {
					b[70] = 0x20
				}
			}
		},
		"one biased bit": func(v *view) {
			for i, b := range v.users[caller] {
				if i%2 == 0 {
					b[3] |= 1
				}
			}
		},
		"a byte that caller and callee share": func(v *view) {
			for i, b := range v.users[caller] {
				b[5] = v.users[calls[1]][i][5]
			}
		},
	} {
		v := clean()
		if leak(v); len(v.suspicions()) == 0 {
			t.Errorf("it does not see %s", name)
		}
	}
	v, w := clean(), clean()
	for i, b := range w.users[caller] {
		if i%2 == 0 {
			clear(b[1 : 2+len(b)/30])
		}
	}
	if len(compare(v, w)) == 0 {
		t.Error("blocks with zeros in them are not told from others")
	}
	w = clean()
	w.held = append(w.held, 1)
	if len(compare(clean(), w)) == 0 {
		t.Error("what is held more is not seen")
	}
}
