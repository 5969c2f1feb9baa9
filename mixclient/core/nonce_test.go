package core

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"undertone/mixclient/half"
	"undertone/mixclient/tmix"
	"undertone/transport/cell"
	"undertone/transport/seal"
)

// A ledger notes the nonces of cells, with the half of their link, which has its
// keys alone, and of letters, whatever their key. (A stream's sealer takes each
// slot once and has a key of its own: seal.TestStreamNonceOnce.)
type ledger struct {
	t       *rapid.T
	cells   map[cellNonce]bool
	letters map[[cell.NonceSize]byte]bool
}

type cellNonce struct {
	link    half.Half
	slot    cell.Slot
	variant byte
}

func once[K comparable](t *rapid.T, what string, used map[K]bool, nonce K) {
	if used[nonce] {
		t.Fatalf("a nonce of a %s is used twice: %+v", what, nonce)
	}
	used[nonce] = true
}

// tap is a half of a link that notes what is sealed with it.
type tap struct {
	half.Half
	*ledger
}

// Up notes the cell, and what it holds.
func (h *tap) Up(out []byte, n cell.Slot, s *half.Say) {
	h.Half.Up(out, n, s)
	once(h.t, "cell", h.cells, cellNonce{h.Half, n, out[2]})
	if s.Kind == cell.Letter || s.Kind == cell.Ring {
		once(h.t, "letter", h.letters, [cell.NonceSize]byte(s.Body[cell.AddressSize+cell.ClassSize:]))
	}
}

// online gives a user a new line with a tap on it.
func (l *ledger) online(x *exchange, u *user) {
	link := randomKey()
	upKey, downKey := seal.LinkKeys(link)
	u.up, u.down = seal.NewOpener(&upKey), seal.NewSealer(&downKey, 0)
	u.route = [16]byte{}
	u.core.Online(x.slot, &tap{tmix.New(link, 64), l})
}

// No nonce is ever used twice, whatever happens: calls, lines that are lost and
// come back, clients that are restarted, clocks of the server that go back,
// cells that are lost.
func TestNoNonceTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &ledger{t: t, cells: map[cellNonce]bool{}, letters: map[[cell.NonceSize]byte]bool{}}
		x := newExchange(nilTB{}, "ann", "bob")
		a, b := x.users[0], x.users[1]
		pair := *randomKey()
		a.meet(b).Pair(&pair, uint64(x.slot/90000), true)
		b.meet(a).Pair(&pair, uint64(x.slot/90000), true)
		for _, u := range x.users {
			l.online(x, u)
		}
		loss := rapid.SampledFrom([]int{0, 0, 10}).Draw(t, "loss")
		x.drop = func(n cell.Slot, u *user, up bool) bool {
			return loss > 0 && (int(n)*7+int(u.name[0]))%loss == 0
		}
		x.run(10)
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			u := x.users[rapid.IntRange(0, 1).Draw(t, "who")]
			m := u.core.Call()
			switch rapid.SampledFrom([]string{"dial", "answer", "hangup", "reconnect", "restart", "back"}).Draw(t, "what") {
			case "dial":
				if peer := u.core.Contact(x.other(u).handle()); peer != nil {
					_ = m.Dial(x.slot, peer)
				}
			case "answer":
				_ = m.Accept(x.slot)
			case "hangup":
				_ = m.Hangup(x.slot)
			case "reconnect":
				l.online(x, u)
			case "restart":
				x.restart(u, true)
				l.online(x, u)
			case "back":
				// A server that was restarted with its clock set back: both have
				// new lines, and calls may go on.
				x.slot -= cell.Slot(rapid.IntRange(1, 400).Draw(t, "slots"))
				for _, u := range x.users {
					l.online(x, u)
				}
			}
			x.run(rapid.IntRange(1, 40).Draw(t, "slots"))
		}
	})
}

// other returns the other of two users.
func (x *exchange) other(u *user) *user {
	if x.users[0] == u {
		return x.users[1]
	}
	return x.users[0]
}

// nilTB lets an exchange be made where only a rapid.T is at hand.
type nilTB struct{ testing.TB }

func (nilTB) Helper() {}

func (nilTB) Fatal(args ...any) { panic(args) }

func (nilTB) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
