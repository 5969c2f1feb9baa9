// Package bmix is the server's half of the paper's protocol 3, the broadcasting
// mix. It is pure: no clock, no goroutine, no I/O; one goroutine at a time may
// call it, but for Admit. mix.Engine does, through the interface of package half.
//
// Every seat is a channel. In each slot a user sends one cell, and everybody
// gets the cells of all channels, eight to a message (wire.Broadcast):
//
//	in[0] … in[7]   ──copy──▶ message 0 ─┐
//	in[8] … in[15]  ──copy──▶ message 1 ─┼──▶ all of them to everybody
//	…                         …         ─┘
//
// There are as many channels as the highest seat that is taken needs, rounded up
// to eight. Seats are handed out lowest first, so that channels become fewer
// again when users leave. A channel whose owner's cell is missing, or that has no
// owner, carries random bytes behind the label that every cell has: what a cell
// that nobody can read looks like. So a member cannot tell whose cells get lost.
//
// Each message also names the owner of one of its channels and the value of his
// connection, of another one in each slot. Members need it to find cells of
// people they know. It is not signed: a server that lies here breaks calls, which
// it can do anyhow, and learns nothing, since tags depend on keys that it has
// not.
//
// # What the server learns
//
// Nothing. It has no key, and looks at no byte of a cell. All that it keeps and
// sends is a function of who is online, which of their cells arrived in time, its
// own random bytes, and cells that are moved as they are; so is the work that it
// does. The messages are the same for all users but for the one byte of feedback,
// and are not sealed beyond the link's own encryption: what is in the cells is
// sealed end to end.
package bmix

import (
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"

	"undertone/server/internal/mix/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/wire"
)

// Cells is how many channels there are in a message.
const Cells = wire.BroadcastCells

// ErrRecord is returned for a member without a connection value.
var ErrRecord = errors.New("a member of a bMIX shows the value of his connection")

// single is an upload: one cell.
var single = half.Shape{Parts: 1, Messages: 1, Size: cell.Size}

// An entrant is who takes a seat.
type entrant struct {
	handle key.Handle
	conn   key.Connection
}

// A seat is a channel and its owner; the zero value is one without.
type seat struct {
	entrant
	taken bool
	early int8 // the feedback to send
}

// A Set is the channels of one server.
type Set struct {
	seats    []seat
	find     map[key.Handle]int
	messages [][wire.BroadcastSize]byte
	heads    []wire.Broadcast
	count    int       // how many of the messages are sent
	last     cell.Slot // the newest slot
	made     int       // messages that are made for it
	random   *rand.ChaCha8
}

// New returns a Set with the given number of seats, all free.
func New(seats int) *Set {
	var seed [32]byte
	_, _ = crand.Read(seed[:]) // Never fails: the program ends if the system has no randomness.
	return newSeeded(seats, seed)
}

func newSeeded(seats int, seed [32]byte) *Set {
	return &Set{
		seats:    make([]seat, seats),
		find:     make(map[key.Handle]int, seats),
		messages: make([][wire.BroadcastSize]byte, Messages(seats)),
		heads:    make([]wire.Broadcast, Messages(seats)),
		count:    1,
		random:   rand.NewChaCha8(seed),
	}
}

// Messages returns how many messages hold so many channels.
func Messages(channels int) int { return (channels + Cells - 1) / Cells }

// Admit reads a member's record: the value of his connection.
func (s *Set) Admit(m half.Member) (half.Entrant, error) {
	e := entrant{handle: m.Handle}
	if len(m.Record) != len(e.conn) {
		return nil, fmt.Errorf("%w: %d bytes, and not %d", ErrRecord, len(e.conn), len(m.Record))
	}
	if copy(e.conn[:], m.Record); e.conn == (key.Connection{}) {
		return nil, ErrRecord // It would read as a channel without an owner.
	}
	return e, nil
}

// Join gives seat i to who was admitted. Whoever had the seat, and a seat that
// the same user had, leaves.
func (s *Set) Join(i int, e half.Entrant) {
	m := e.(entrant) //nolint:errcheck,forcetypeassert // Admit returns nothing else
	if old, ok := s.find[m.handle]; ok {
		s.Leave(old)
	}
	s.Leave(i)
	s.seats[i] = seat{entrant: m, taken: true}
	s.find[m.handle] = i
}

// Leave frees seat i.
func (s *Set) Leave(i int) {
	if !s.seats[i].taken {
		return
	}
	delete(s.find, s.seats[i].handle)
	s.seats[i] = seat{}
}

// Shape returns what an upload is like.
func (s *Set) Shape() half.Shape { return single }

// Down returns what a download of the last slot is like.
func (s *Set) Down() half.Shape { return DownFor(s.count * Cells) }

// DownFor returns what a download is like when there are so many channels.
func DownFor(channels int) half.Shape {
	return half.Shape{Parts: 1, Messages: Messages(channels), Size: wire.BroadcastSize}
}

// Refused returns 0: this server cannot tell a good cell from a bad one.
func (s *Set) Refused() uint64 { return 0 }

// Slot is protocol 3, step 3: the server broadcasts what came up. See half.Half.
func (s *Set) Slot(n cell.Slot, in []half.In) {
	if n <= s.last {
		return
	}
	s.begin(n, in)
	for ; s.made < s.count; s.made++ {
		s.make(n, in)
	}
}

// Recover finishes slot n after a fault: with garbage on the channels of those
// messages that were not made. Nothing of the uploads is kept from slot to slot,
// so there is nothing to drop.
func (s *Set) Recover(n cell.Slot, in []half.In) {
	if n > s.last {
		s.begin(n, in)
	}
	for ; s.made < s.count; s.made++ {
		s.make(n, nil)
	}
}

// begin takes down the feedback, and works out how many channels there are.
func (s *Set) begin(n cell.Slot, in []half.In) {
	s.last, s.made = n, 0
	highest := 0
	for i := range s.seats {
		if s.seats[i].taken {
			highest = i
			s.seats[i].early = in[i].Early
		}
	}
	s.count = Messages(highest + 1)
}

// make fills the next message.
func (s *Set) make(n cell.Slot, in []half.In) {
	base := s.made * Cells
	turn := base + int(n%Cells) //nolint:gosec // less than Cells
	h := wire.Broadcast{Slot: n.Low(), Base: base, Count: s.count * Cells, Channel: turn}
	if turn < len(s.seats) {
		h.Owner, h.Conn = s.seats[turn].handle, s.seats[turn].conn
	}
	s.heads[s.made] = h
	m := s.messages[s.made][:]
	h.Put(m)
	for k := range Cells {
		i, dst := base+k, wire.BroadcastCell(m, k)
		if i < len(s.seats) && i < len(in) && s.seats[i].taken && in[i].Present {
			copy(dst, in[i].Batch)
			continue
		}
		binary.BigEndian.PutUint16(dst, n.Low())
		_, _ = s.random.Read(dst[2:]) // Never fails.
	}
}

// Out returns message k for a seat. It is the same for all but for the feedback.
func (s *Set) Out(i, _, k int, _ []byte) []byte {
	h := &s.heads[k]
	h.Feedback = s.seats[i].early
	h.Put(s.messages[k][:])
	return s.messages[k][:]
}
