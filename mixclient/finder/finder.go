// Package finder finds a user's own cells among those that everybody sees
// (protocol 3, step 4). For each slot it knows the tags of all who might say
// something to the user, so that one look-up for each cell tells whose it is, if
// it is for him: trying every contact's key on every channel would cost both
// numbers multiplied.
//
//	slot n:  tag of each veil ──▶ table ◀── tag of each cell
//
// What a cell costs does not depend on what it is: one look-up, and one veil
// lifted, be it of nobody. The client's halves of bMIX and sMIX use it; it is
// pure, and for one goroutine at a time.
package finder

import (
	"encoding/binary"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
)

// A Source is somebody who might say something.
type Source struct {
	// From is who he is, zero in a group; Place is his place in a group, -1
	// elsewhere.
	From  key.Handle
	Place int
}

// source is a Source with its veil, nil if there is none.
type source struct {
	Source
	veil *seal.Veil
}

// A table holds the tags of one slot. Free places are zero, others one more than
// the index of a source.
type table struct {
	slot   cell.Slot
	valid  bool
	tags   []seal.VeilTag
	places []uint32
}

// A Finder is the veils of all sources. The zero value has none.
type Finder struct {
	sources []source
	inUse   int
	tables  [tables]table
	nobody  *seal.Veil
}

// tables is how many slots are kept: while a slot comes in, a straggler of the
// one before may still come.
const tables = 2

// New returns a Finder without sources.
func New() *Finder { return &Finder{nobody: seal.NewGarbageVeil()} }

// Set makes k the key of source i, which is any number that the caller chose;
// nil removes the source.
func (f *Finder) Set(i int, k *key.Secret, s Source) {
	if i >= len(f.sources) {
		if k == nil {
			return
		}
		f.sources = append(f.sources, make([]source, i+1-len(f.sources))...)
	}
	e := &f.sources[i]
	if e.veil != nil {
		f.inUse--
	}
	*e = source{Source: s}
	if k != nil {
		e.veil = seal.NewVeil(k)
		f.inUse++
	}
	for t := range f.tables {
		f.tables[t].valid = false
	}
}

// Len returns how many sources there are.
func (f *Finder) Len() int { return f.inUse }

// Lift finds out whose the veiled cell of slot n is, and writes what it hides to
// plain. It reports false, and writes something random, if it is nobody's.
func (f *Finder) Lift(plain []byte, n cell.Slot, veiled []byte) (Source, bool) {
	t := &f.tables[n%tables]
	if !t.valid || t.slot != n {
		f.prepare(t, n)
	}
	e := t.find(seal.VeilTag(veiled))
	veil, s := f.nobody, Source{Place: -1}
	if e != 0 {
		veil, s = f.sources[e-1].veil, f.sources[e-1].Source
	}
	veil.Lift(plain, n, veiled)
	return s, e != 0
}

// prepare computes all tags of slot n.
func (f *Finder) prepare(t *table, n cell.Slot) {
	t.resize(f.inUse)
	t.slot, t.valid = n, true
	for i := range f.sources {
		if v := f.sources[i].veil; v != nil {
			t.put(v.Tag(n), uint32(i+1)) //nolint:gosec // some thousands at most
		}
	}
}

// resize empties the table, and makes it large enough for so many tags that it
// is a quarter full.
func (t *table) resize(n int) {
	size := 8
	for size < 4*n {
		size *= 2
	}
	if size != len(t.places) {
		t.tags, t.places = make([]seal.VeilTag, size), make([]uint32, size)
		return
	}
	clear(t.places)
}

func (t *table) put(tag seal.VeilTag, e uint32) {
	mask := len(t.places) - 1
	for i := home(tag) & mask; ; i = (i + 1) & mask {
		if t.places[i] == 0 {
			t.tags[i], t.places[i] = tag, e
			return
		}
		if t.tags[i] == tag {
			return // Two with the same key, or a chance of one in 2^64.
		}
	}
}

func (t *table) find(tag seal.VeilTag) uint32 {
	mask := len(t.places) - 1
	for i := home(tag) & mask; t.places[i] != 0; i = (i + 1) & mask {
		if t.tags[i] == tag {
			return t.places[i]
		}
	}
	return 0
}

// home is where a tag lies if the place is free. Tags are random already.
func home(tag seal.VeilTag) int { return int(binary.BigEndian.Uint32(tag[:])) }
