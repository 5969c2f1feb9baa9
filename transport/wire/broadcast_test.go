package wire

import (
	"bytes"
	"testing"

	"undertone/transport/cell"
	"undertone/transport/key"
)

func aBroadcast() Broadcast {
	return Broadcast{Slot: 0xfedc, Feedback: -7, Base: 16, Count: 24, Channel: 21, Owner: key.Handle{1, 2, 3}, Conn: key.Connection{4, 5, 6}}
}

func TestBroadcastRoundTrip(t *testing.T) {
	h := aBroadcast()
	b := bytes.Repeat([]byte{0xee}, BroadcastSize)
	h.Put(b)
	for i := range BroadcastCells {
		if c := BroadcastCell(b, i); len(c) != cell.Size || !bytes.Equal(c, bytes.Repeat([]byte{0xee}, cell.Size)) {
			t.Errorf("the head reaches into cell %d", i)
		}
	}
	if got, ok := ParseBroadcast(b); !ok || got != h {
		t.Errorf("got %+v %v", got, ok)
	}
}

func TestBroadcastRefused(t *testing.T) {
	for name, spoil := range map[string]func(*Broadcast){
		"count not of eight":   func(h *Broadcast) { h.Count++ },
		"base not of eight":    func(h *Broadcast) { h.Base++ },
		"base past the count":  func(h *Broadcast) { h.Base = h.Count },
		"owner of another one": func(h *Broadcast) { h.Channel = 15 },
		"owner of a later one": func(h *Broadcast) { h.Channel = 24 },
		"too many channels":    func(h *Broadcast) { h.Count = MaxChannels + 8 },
	} {
		h := aBroadcast()
		spoil(&h)
		b := make([]byte, BroadcastSize)
		if h.Put(b); parses(b) {
			t.Error(name)
		}
	}
	h := aBroadcast()
	b := make([]byte, BroadcastSize)
	h.Put(b)
	b[cellsAt-1] = 1
	if parses(b) || parses(b[1:]) || parses(nil) {
		t.Error("bytes where there are none, or a wrong length")
	}
}

func parses(b []byte) bool {
	_, ok := ParseBroadcast(b)
	return ok
}

func FuzzBroadcast(f *testing.F) {
	h := aBroadcast()
	b := make([]byte, BroadcastSize)
	h.Put(b)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		h, ok := ParseBroadcast(b)
		if !ok {
			return
		}
		again := bytes.Clone(b)
		if h.Put(again); !bytes.Equal(again, b) {
			t.Errorf("%x is printed as %x", b, again)
		}
	})
}
