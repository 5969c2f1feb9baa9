package remains

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// A record is all that a server wrote and said in a run, as texts with names.
type record struct {
	mu    sync.Mutex
	texts map[string]string
}

func newRecord() *record { return &record{texts: map[string]string{}} }

// add puts a text into the record. A second one of the same name is added to the first.
func (r *record) add(name, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.texts[name] += text
}

// has returns the text of a name.
func (r *record) has(name string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.texts[name]
}

// differ lists what is not the same in two records.
func differ(a, b *record) (all []string) {
	names := maps.Clone(a.texts)
	maps.Copy(names, b.texts)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		x, inA := a.texts[name]
		y, inB := b.texts[name]
		switch {
		case inA != inB:
			all = append(all, name+": in one of them only")
		case x != y:
			all = append(all, name+": "+difference(x, y))
		}
	}
	return all
}

// difference shows where two texts begin to differ.
func difference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	line := func(of []string, i int) string {
		if i >= len(of) {
			return "(the end)"
		}
		return of[i]
	}
	i := 0
	for line(x, i) == line(y, i) {
		i++
	}
	return fmt.Sprintf("line %d of %d and %d is\n\t%s\nand\n\t%s", i+1, len(x), len(y), line(x, i), line(y, i))
}
