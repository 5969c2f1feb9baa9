// Package tmix is the server's half of the paper's protocols 1 and 2, the
// trusted mix. It is pure: no clock, no goroutine, no I/O; one goroutine at a
// time may call it. mix.Engine does, through the interface of package half.
//
// In every slot each user's cell is opened, what it carries is put into a
// mailbox, and each user gets one cell sealed:
//
//	in[i] --open--> body --look up--> mailboxes of the addressee --seal--> Out(i)
//	                 |                  stream: 1, for this slot
//	                 v                  letters: 4, one for each source
//	             route of i
//
// What a cell does, by its kind (see package cell):
//
//	stream    goes to the user that the sender's route points at, if that
//	          user's route points back
//	letter    goes to the addressee in its first 16 bytes, which are replaced by
//	          the sender's handle
//	ring      is a letter that also points the sender's route at the addressee;
//	          it comes out as a letter
//	control   clear: the sender's route points at nobody
//	cover     nothing
//
// What comes out: the stream of this slot; but a letter, if one waits and none
// has come out in the last ten slots; but cover if there is neither. A letter
// that waits is replaced only by its own source, which leaves it in its place in
// the queue, and the oldest goes first. So who floods a user with letters takes
// one of the four places and one in ten slots of a call.
//
// One in ten holds without a call too. If letters were passed on faster then,
// whoever sends many to a user and waits for what they lead to (the reply of a
// pairing, say) would learn whether he is in a call.
//
// # Same work
//
// The server must not be slower or faster by what cells carry. So every user
// who is online costs, in every slot: one open (of a dummy, if his cell is
// missing), one look-up (of himself, if there is no addressee), one copy into a
// stream mailbox and one into a letter mailbox of somebody (into a part of it
// that nobody reads, if there is nothing to deliver), and one seal. All of it
// goes by seats in an order that routes do not change. A cell that does not
// open costs less than one that does; only its sender can send such a one.
package tmix

import (
	"errors"
	"math/rand/v2"

	"undertone/server/internal/mix/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/wire"
)

const (
	// share is one in how many slots a letter may take.
	share = 10
	// dummySlot is what the dummy is sealed for.
	dummySlot cell.Slot = 1
)

// single is the batch of a tMIX, up and down.
var single = half.Shape{Parts: 1, Messages: 1, Size: cell.Size}

// ErrRecord is returned for a member who sends a record along.
var ErrRecord = errors.New("a member of a tMIX has no record")

// A Member is a user as he joins: who he is, and the keys of his link. To make
// one takes some microseconds, which the slot clock does not have.
type Member struct {
	handle key.Handle
	up     *seal.Opener
	down   *seal.Sealer
}

// NewMember derives a user's keys from the secret of his link.
func NewMember(h key.Handle, link *key.Secret) *Member {
	up, down := seal.LinkKeys(link)
	defer up.Wipe()
	defer down.Wipe()
	return &Member{handle: h, up: seal.NewOpener(&up), down: seal.NewSealer(&down, 0)}
}

// Handle returns who the member is.
func (m *Member) Handle() key.Handle { return m.handle }

// A seat is all that the server knows of a user. Its zero value is a free seat.
type seat struct {
	Member
	route  key.Handle // whom he talks to; zero: nobody
	took   cell.Slot  // when the last letter came out
	kind   cell.Kind  // what his cell of this slot carries
	stream streamBox
	post   letterBox
}

// A Set is the users of one server.
type Set struct {
	seats  []seat
	out    []cell.Cell // what everybody gets, by seat
	find   map[key.Handle]int
	last   cell.Slot // the newest slot
	sealed int       // seats that have their cell for it

	// For the same work.
	bodies []cell.Body // what was opened, by seat
	decoy  []int       // whose mailboxes to write to when there is no addressee
	blank  cell.Body
	dummy  cell.Cell // a sealed cell for users whose own is missing
	opener *seal.Opener

	refused uint64
}

// New returns a Set with the given number of seats, all free.
func New(seats int) *Set {
	s := &Set{
		seats:  make([]seat, seats),
		out:    make([]cell.Cell, seats),
		find:   make(map[key.Handle]int, seats),
		bodies: make([]cell.Body, seats),
		decoy:  rand.Perm(seats), //nolint:gosec // spreads memory accesses, hides nothing
	}
	s.makeDummy()
	return s
}

// makeDummy seals a cell, and a way to open it, under a key for nothing else.
func (s *Set) makeDummy() {
	var k key.Secret
	seal.NewSealer(&k, 0).Seal(&s.dummy, dummySlot, seal.Head{}, &s.blank)
	s.opener = seal.NewOpener(&k)
}

// Admit derives the keys of a member's link.
func (s *Set) Admit(m half.Member) (half.Entrant, error) {
	if len(m.Record) > 0 {
		return nil, ErrRecord
	}
	return NewMember(m.Handle, m.Link), nil
}

// Shape returns what an upload is like: one cell.
func (s *Set) Shape() half.Shape { return single }

// Down returns what a download is like: one cell.
func (s *Set) Down() half.Shape { return single }

// Out returns the cell of a seat for the last slot.
func (s *Set) Out(i, _, _ int, _ []byte) []byte { return s.out[i][:] }

// Join gives seat i to a *Member. Whoever had the seat, and a seat that the
// member had, leaves.
func (s *Set) Join(i int, e half.Entrant) {
	m := e.(*Member) //nolint:errcheck,forcetypeassert // Admit returns nothing else
	if old, ok := s.find[m.handle]; ok {
		s.Leave(old)
	}
	s.Leave(i)
	s.seats[i].Member = *m
	s.find[m.handle] = i
}

// Leave frees seat i. The user's route and mail are gone with it. Routes that
// point at him stay: his contact goes on as soon as he is back and points his
// own again.
func (s *Set) Leave(i int) {
	if s.seats[i].up == nil {
		return
	}
	delete(s.find, s.seats[i].handle)
	s.seats[i] = seat{}
}

// forget drops every route and all mail.
func (s *Set) forget() {
	for i := range s.seats {
		s.seats[i] = seat{Member: s.seats[i].Member}
	}
}

// Refused returns how many cells did not open, or were for another slot.
func (s *Set) Refused() uint64 { return s.refused }

// Slot takes the cells of slot n and makes those that go out for it; see
// half.Half.
func (s *Set) Slot(n cell.Slot, in []half.In) {
	if n <= s.last {
		return
	}
	s.last, s.sealed = n, 0
	for i := range s.seats {
		if s.seats[i].up != nil {
			s.open(i, n, &in[i])
		}
	}
	first := firstSeat(n, len(s.seats))
	for i := first; i < len(s.seats); i++ {
		s.deliver(i, n)
	}
	for i := range first {
		s.deliver(i, n)
	}
	for ; s.sealed < len(s.seats); s.sealed++ {
		if s.seats[s.sealed].up != nil {
			s.emit(s.sealed, n, &in[s.sealed])
		}
	}
}

// firstSeat returns whose cell of slot n is delivered first. Whoever comes first
// gets the last free place in a letter box, so the turn goes round; it jumps,
// since places come free in regular steps.
func firstSeat(n cell.Slot, seats int) int {
	const jump = 0x9E3779B97F4A7C15                    // 2^64 divided by the golden ratio
	return int(uint64(n) * jump >> 32 % uint64(seats)) //nolint:gosec // less than seats
}

// Recover drops every route and all mail, and finishes slot n: who has no cell
// yet gets cover, or random bytes if his was being sealed.
func (s *Set) Recover(n cell.Slot, in []half.In) {
	s.forget()
	if n > s.last {
		s.last, s.sealed = n, 0
	}
	for ; s.sealed < len(s.seats); s.sealed++ {
		if st := &s.seats[s.sealed]; st.up != nil {
			st.down.Seal(&s.out[s.sealed], n, seal.Head{Feedback: in[s.sealed].Early}, &s.blank)
		}
	}
}

// open is protocol 2, step 2: the server decrypts a cell and sees what it is. It
// also moves the sender's own route, before anything is delivered.
func (s *Set) open(i int, n cell.Slot, in *half.In) {
	st := &s.seats[i]
	opener, c, ref := s.opener, &s.dummy, dummySlot
	if in.Present {
		opener, c, ref = st.up, (*cell.Cell)(in.Batch), n
	}
	m, head, ok := opener.Open(c, ref, &s.bodies[i])
	if !in.Present || !ok || m != n {
		if in.Present {
			s.refused++
		}
		head.Kind = cell.Cover
	}
	st.kind = head.Kind
	switch {
	case st.kind == cell.Ring:
		st.route = seal.LetterAddress(&s.bodies[i])
	case st.kind == cell.Control && s.bodies[i][0] == wire.ControlClear:
		st.route = key.Handle{}
	}
}

// deliver is protocol 2, step 3: the server forwards what is not garbage.
func (s *Set) deliver(i int, n cell.Slot) {
	st, body := &s.seats[i], &s.bodies[i]
	if st.up == nil {
		return
	}
	letter := st.kind == cell.Letter || st.kind == cell.Ring
	to := st.handle
	switch {
	case letter:
		to = seal.LetterAddress(body)
	case st.kind == cell.Stream:
		to = st.route
	}
	j, online := s.find[to]
	if !online || !letter && st.kind != cell.Stream {
		j, online = s.decoy[i], false
	}
	peer := &s.seats[j]
	peer.stream.put(online && st.kind == cell.Stream && peer.route == st.handle, n, body)
	peer.post.put(online && letter, n, st.handle, body)
}

// emit is protocol 1, step 3 and protocol 2, step 3: the user gets a cell, of
// garbage or of what was forwarded to him.
func (s *Set) emit(i int, n cell.Slot, in *half.In) {
	st := &s.seats[i]
	head := seal.Head{Feedback: in.Early}
	body := &s.blank
	live := st.stream.slot == n
	if live {
		head.Kind, body = cell.Stream, &st.stream.body[read]
	}
	if l := st.post.oldest(); l != nil && (st.took == 0 || n-st.took >= share) {
		head.Kind, body = cell.Letter, &l.body
		l.since = 0
		st.took = n
	}
	st.down.Seal(&s.out[i], n, head, body)
}
