package session

import (
	"encoding/binary"
	"testing"
	"time"

	"undertone/transport/cell"
	"undertone/transport/seal"
)

// placed is message k of part p for slot n.
func placed(n cell.Slot, p, k int, content byte) []byte {
	b := make([]byte, double.Size)
	binary.BigEndian.PutUint16(b, n.Low())
	b[cell.PlaceAt] = cell.Place(p, k)
	b[len(b)-1] = content
	return b
}

// TestBatch loses a message of each part: a batch is there when every message of
// it came in some part, and each lies in its place.
func TestBatch(t *testing.T) {
	for _, c := range []struct {
		name string
		lost [2]int // of each part
		kept bool
	}{
		{"nothing lost", [2]int{-1, -1}, true},
		{"another one of each part", [2]int{0, 2}, true},
		{"one lost in both parts", [2]int{1, 1}, false},
	} {
		l, clock, _ := newShapedLine(cell.Interval40, double)
		n := clock.At(epoch) + 10
		for p := range double.Parts {
			for k := range double.Messages {
				if k != c.lost[p] {
					l.Receive(placed(n, p, k, byte(10+k)), clock.Start(n))
				}
			}
		}
		got := make([]byte, double.Bytes())
		if l.Take(n, got) != c.kept {
			t.Errorf("%s: taken is %v", c.name, !c.kept)
		}
		for k := range double.Messages {
			if m := got[k*double.Size:][:double.Size]; c.kept && (m[len(m)-1] != byte(10+k) || int(m[cell.PlaceAt]&63) != k) {
				t.Errorf("%s: message %d is another", c.name, k)
			}
		}
		l.Receive(placed(n, 1, 1, 0), clock.Start(n))
		if l.Take(n, got) {
			t.Errorf("%s: a batch was taken twice", c.name)
		}
	}
}

// TestPlaces sends messages of every place: those that the batch has none of are
// counted and do nothing.
func TestPlaces(t *testing.T) {
	for b := range 256 {
		l, clock, count := newShapedLine(cell.Interval40, double)
		m := placed(clock.At(epoch)+10, 0, 0, 0)
		m[cell.PlaceAt] = byte(b)
		l.Receive(m, epoch)
		odd := b>>6 >= double.Parts || b&63 >= double.Messages
		if odd != (count.Odd.Load() == 1) {
			t.Fatalf("place %#x: odd is %v", b, !odd)
		}
	}
}

// TestFeedbackIsOfTheLast has the parts come at different times: only the last
// message of the last part counts, and one that is late counts too.
func TestFeedbackIsOfTheLast(t *testing.T) {
	l, clock, count := newShapedLine(cell.Interval40, double)
	n := clock.At(epoch) + 10
	cut := clock.Start(n).Add(offset)
	for p := range double.Parts {
		for k := range double.Messages {
			if l.Early() != seal.NoFeedback {
				t.Fatalf("message %d of part %d was reported", k, p)
			}
			l.Receive(placed(n, p, k, 0), cut.Add(time.Duration(p-1)*20*time.Millisecond+time.Duration(k)*time.Millisecond))
		}
	}
	if l.Early() != -2 || count.Late.Load() != 2 {
		t.Fatalf("reported %d, %d late", l.Early(), count.Late.Load())
	}
	if !l.Take(n, make([]byte, double.Bytes())) {
		t.Fatal("what came in the first part is not there")
	}
}
