package attack

import (
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/rtc"
	"undertone/transport/seal"
)

// slots is for how many slots most things are tried.
const slots = 100

// attackFor lets a member send what fill makes, for so many slots.
func (c *caller) attackFor(slots int, fill func(n cell.Slot, b *cell.Cell)) {
	c.quiet()
	quiet := c.every(fill)
	time.Sleep(time.Duration(slots) * interval.Duration())
	quiet()
	c.quiet = c.talk(idle)
	time.Sleep(time.Second)
}

// Cells that are sealed for another link do nothing, though the key be right for
// that one.
func TestCellsOfAnotherLink(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		c := w.call()
		eve := w.join(idle)
		time.Sleep(time.Second)
		up, _ := seal.LinkKeys(&c.anna.secret)
		hers := seal.NewSealer(&up, 0)
		sent, before := 0, w.status().Unreadable
		eve.attackFor(slots, func(n cell.Slot, b *cell.Cell) {
			// In anna's name, it would end her route.
			hers.Seal(b, n, seal.Head{Kind: cell.Control}, &cell.Body{1})
			sent++
		})
		note(t, "cell sealed for another link", sent, int(w.status().Unreadable-before))
		c.end(0)
		eve.leave()
	})
}

// Cells of no key at all, and of old slots, are the same.
func TestCellsOfNoKey(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		c := w.call()
		eve := w.join(idle)
		time.Sleep(time.Second)
		random := rand.NewChaCha8([32]byte{1})
		sent, before := 0, w.status().Unreadable
		eve.attackFor(slots, func(_ cell.Slot, b *cell.Cell) {
			_, _ = random.Read(b[:])
			sent++
		})
		note(t, "cell of random bytes", sent, int(w.status().Unreadable-before))

		var first cell.Cell
		sent, before = -1, w.status().Unreadable
		eve.attackFor(slots, func(n cell.Slot, b *cell.Cell) {
			if sent++; sent == 0 {
				eve.up.Seal(&first, n, seal.Head{Kind: cell.Ring}, &cell.Body{})
			}
			*b = first // Its slot is told anew, but what is sealed is the first one's.
		})
		note(t, "own cell sent again for a later slot", sent, int(w.status().Unreadable-before))
		c.end(0)
		eve.leave()
	})
}

// What a member may send, in whatever order and with whatever in it, is his own
// business: it ends no call of others and is heard in none.
func TestForgedControl(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		c := w.call()
		eve := w.join(idle)
		time.Sleep(time.Second)
		random := rand.New(rand.NewPCG(1, 2))
		sent := 0
		eve.attackFor(2*slots, func(n cell.Slot, b *cell.Cell) {
			var body cell.Body
			for i := range body {
				body[i] = byte(random.Uint32())
			}
			kind := cell.Kind(random.Uint32())
			switch {
			case sent%3 == 0:
				kind, body[0] = cell.Control, byte(sent/3)
			case sent%3 == 1:
				kind, body[0] = cell.Stream, 'e' // She has no route, and nobody's points at her.
			case kind == cell.Ring || kind == cell.Letter:
				seal.SetLetterAddress(&body, eve.handle()) // Those have a test of their own.
			}
			eve.up.Seal(b, n, seal.Head{Kind: kind}, &body)
			sent++
		})
		harm := 0
		if c.anna.heard('e') || c.berta.heard('e') {
			harm = sent
		}
		note(t, "forged control cell, or one of a kind that is none", sent, sent-harm)
		c.end(0)
		eve.leave()
	})
}

// A member who rings others gets the share of their slots that is for it, speaks
// into no call, and is named as who he is.
func TestFloodOfLetters(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		c := w.call()
		var gang []*caller
		var count atomic.Int64
		for n := range 4 {
			victim := []*caller{c.anna, c.berta}[n%2]
			gang = append(gang, w.join(speakIn(victim, 'e', &count)))
		}
		time.Sleep(5 * time.Second)
		sent, harm := int(count.Load()), 0
		for n, side := range []*caller{c.anna, c.berta} {
			for from, letters := range side.heardLetters() {
				i := slices.IndexFunc(gang, func(e *caller) bool { return e.handle() == from })
				honest := from == c.anna.handle() || from == c.berta.handle()
				if !honest && (i < 0 || i%2 != n) {
					harm += letters
				}
			}
			if side.heard('e') {
				harm = sent
			}
		}
		note(t, "ringing to get into a call, or in another's name", sent, sent-harm)
		total := int(interval.At(time.Now()) - c.from)
		c.end(total/10 + 2)
		for _, e := range gang {
			e.leave()
		}
	})
}

// speakIn rings somebody and speaks, by turns.
func speakIn(to *caller, voice byte, count *atomic.Int64) said {
	return func(n cell.Slot) (cell.Kind, cell.Body) {
		count.Add(1)
		if n%2 == 0 {
			return cell.Ring, letterTo(to.handle())
		}
		return cell.Stream, cell.Body{voice}
	}
}

// heardLetters returns how many letters came from whom.
func (c *caller) heardLetters() map[key.Handle]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.letters)
}

// A recorder keeps what an honest member sends.
type recorder struct {
	mu  sync.Mutex
	all [][]byte
}

func (r *recorder) wrap(conn net.PacketConn) net.PacketConn {
	return rtc.Watch(conn, func(c rtc.Crossing) {
		if !c.Sent {
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.all = append(r.all, slices.Clone(c.Data))
	})
}

// from returns what was kept after the first n.
func (r *recorder) from(n int) [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all[n:])
}

// What was recorded on the wire is worth nothing when it is sent again, from
// another address or from the same.
func TestRecordedDatagrams(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		var wire recorder
		c := w.call(wire.wrap)
		time.Sleep(4 * time.Second)
		recorded := wire.from(0)
		eve := w.socket(w.host())
		defer eve.Close()
		_, before := w.strangers()
		for _, b := range recorded {
			w.send(eve, b)
		}
		time.Sleep(time.Second)
		_, after := w.strangers()
		// A check of the line names its link, which then finds that it is elsewhere.
		if after.Forged == before.Forged {
			t.Error("no check of the line was among them")
		}
		note(t, "recorded datagram from another address", len(recorded),
			int(after.Unclaimed-before.Unclaimed+after.Forged-before.Forged))

		late := w.status()
		for _, b := range recorded {
			w.send(c.anna.socket, b)
			w.send(c.berta.socket, b)
		}
		time.Sleep(time.Second)
		now := w.status()
		taken := int(now.Late - late.Late + now.Unreadable - late.Unreadable)
		note(t, "recorded datagram from the same address", 2*len(recorded), 2*len(recorded)-taken)
		c.end(0)
	})
}

func (w *world) send(from net.PacketConn, b []byte) {
	w.t.Helper()
	if _, err := from.WriteTo(b, w.cells()); err != nil {
		w.t.Fatal(err)
	}
}

// Who can forge the address of a member, or the server's, throws nobody out and
// brings nothing in.
func TestForgedAddress(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		c := w.call()
		_, before := w.strangers()
		sent := 0
		for n := range 50 {
			for _, kind := range []byte{20, 21, 22, 23, 26} {
				b := []byte{kind, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, byte(n), kind, 0, 2, 2, 10}
				hidden := make([]byte, 13+40, 13+40+len(b))
				copy(hidden, []byte{23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 9, byte(n), kind})
				binary.BigEndian.PutUint16(hidden[11:], 40)
				for _, b := range [][]byte{b, append(hidden, b...), b[:13]} {
					for _, who := range []*caller{c.anna, c.berta} {
						w.send(who.socket, b)
						sent++
						if _, err := w.port.WriteTo(b, who.socket.LocalAddr()); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			time.Sleep(interval.Duration() / 3)
		}
		time.Sleep(time.Second)
		_, after := w.strangers()
		note(t, "forged record from a member's address", sent, int(after.Forged-before.Forged))
		c.end(0)
	})
}
