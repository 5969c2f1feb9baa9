package tmix

import (
	"testing"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
)

// A letter displaces the voice of a call at most once in ten slots.
func TestLettersInACall(t *testing.T) {
	b := newBench(t, 8)
	b.call(0, 1)
	var letters []int
	for k := range 100 {
		b.put(0, cell.Stream, stream("voice"))
		for i := 2; i < 8; i++ {
			b.put(i, cell.Letter, b.letter(1, "flood"))
		}
		switch got := b.slot(); {
		case got[1].is(cell.Letter, "flood"):
			letters = append(letters, k)
		case !got[1].is(cell.Stream, "voice"):
			t.Fatalf("slot %d: %v", k, got[1])
		}
	}
	if len(letters) != 10 {
		t.Fatalf("%d letters in 100 slots of a call", len(letters))
	}
	for k := 1; k < len(letters); k++ {
		if letters[k]-letters[k-1] != share {
			t.Fatalf("letters in slots %v", letters)
		}
	}
}

// A flood of one source does not delay the letter of another by more than the
// queue, and keeps nobody's letter out.
func TestLetterFloodIsFair(t *testing.T) {
	b := newBench(t, 10)
	got := map[key.Handle]int{}
	const slots = 9000
	for range slots {
		for i := 1; i < 10; i++ {
			b.put(i, cell.Letter, b.letter(0, "flood"))
		}
		h := b.slot()[0]
		got[seal.LetterAddress(&h.body)]++
	}
	for i := 1; i < 10; i++ {
		if n := got[b.users[i].handle]; n < slots/share/9/2 || n > slots/share/9*2 {
			t.Errorf("source %d got %d of %d slots through", i, n, slots)
		}
	}
}

// A source replaces its own letter and keeps its place; and letters come ten
// slots apart, in a call or not.
func TestLetterIsReplacedInPlace(t *testing.T) {
	for _, call := range []bool{true, false} {
		b := newBench(t, 4)
		if call {
			b.call(0, 1)
		}
		b.put(2, cell.Letter, b.letter(1, "first"))
		at := map[string]int{}
		for k := range 40 {
			switch _, out := at["first"]; {
			case !out:
			case k == at["first"]+2:
				b.put(2, cell.Letter, b.letter(1, "old"))
			case k == at["first"]+3:
				b.put(3, cell.Letter, b.letter(1, "other"))
			case k == at["first"]+4:
				b.put(2, cell.Letter, b.letter(1, "new"))
			}
			if call {
				b.put(0, cell.Stream, stream("voice"))
			}
			got := b.slot()[1]
			for _, text := range []string{"first", "old", "new", "other"} {
				if got.is(cell.Letter, text) {
					at[text] = k
				}
			}
		}
		if _, old := at["old"]; old || at["new"] != at["first"]+share || at["other"] != at["new"]+share {
			t.Errorf("in a call %v: letters came out at %v", call, at)
		}
	}
}
