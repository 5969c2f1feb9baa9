// Package smix is the server's half of the sMIX (the paper's section 5.2):
// superposed sending. It adds up the shares of all members, sends everybody the
// sum, and keeps the books that members need to make shares: who there is, which
// epoch it is, which channel is taken. It is pure: no clock, no goroutine, no
// I/O; one goroutine at a time may call it. mix.Engine does. The layout of what is
// said is in transport/superpose, the client's half in mixclient/smix.
//
//	in[i] --share--> sum of all ----> body, the same for all     (sum.go)
//	                  |  reservations --> leases, map             (leases.go)
//	in[i] --chunk--> trickle --items--> pairs of members          (exchange.go)
//	                                     |
//	who is there, who is missing ------> epochs, news             (epochs.go)
//
// # A member's way
//
//	        Join         his turn           all pairs have keys        announced slot
//	(none) ------> lobby --------> exchanging ----------------> ready -----------> inside
//	                                                              ^                  |
//	                                                              +- missed slots, --+
//	                                                                 or left cleanly
//	Leave, from any state: the others are told, and how often he fell out is kept
//
// A pair has keys when the newcomer's cipher text has come to the elder (elder is
// whoever was introduced first). The secrets last as long as both connections, so who fell
// out comes back without a new exchange.
//
// # Epochs
//
// An epoch begins at a slot announced far enough ahead for everybody to hear of it
// and make his shares anew: as many slots as the slowest member is seen to need.
// Joins and clean leaves change the epoch and nothing else; at most four members
// in one. When a member is missing, sums are void, so the next epoch is announced
// at once, all leases end with it, and it opens with slots full of reservations.
// Until it starts, the bodies, which have no sum in them, say which epoch comes. Of
// one that nobody is in, members hear as outsiders do, by an item.
//
// # What the server can do, and a member
//
// The server sees sums, and random shares. It can drop slots, refuse channels, and
// lie about members or maps; members then hear nothing, or take notice (mixclient/
// smix). A member can spoil every slot he likes, which is the price of superposed
// sending: owners take notice. He cannot stop the server or make it grow: what he
// sends is bounded, who does not answer, or answers slowly (pace.go), is left out,
// for longer each time, and connecting anew does not help him (record.go).
package smix

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"undertone/server/internal/mix/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/superpose"
	"undertone/transport/superpose/calendar"
)

// MaxSeats is how many members there may be.
const MaxSeats = superpose.MaxMembers

// Config says what a Set is like.
type Config struct {
	// Interval is the length of a slot.
	Interval cell.Interval
	// Channels is how many shared channels there are.
	Channels int
	// Seats is how many may be online.
	Seats int
	// Pin is the hash of the server's root key, which records are signed for.
	Pin [sha256.Size]byte
}

// A Set is the members of one server.
type Set struct {
	cfg      Config
	messages int
	times    times

	seats  []*member // nil: free
	number map[superpose.Number]*member
	last   superpose.Number      // the newest number
	joins  uint64                // how many were introduced
	lobby  []*member             // who joined and was not introduced yet
	ranks  []*member             // who was, in that order
	past   map[key.Handle]record // of those who have left

	// Of the newest slot.
	slot   cell.Slot
	early  []int8 // feedback, by seat
	flags  byte
	epoch  *epoch
	bodies []byte // messages × ShareSize
	maps   []byte // messages × 24
	news   [superpose.ChunkSize]byte

	plans    [2]epoch  // the epoch that is, and the one that is announced
	planned  bool      // whether the second is announced
	told     cell.Slot // when
	from     []superpose.Number
	listed   []byte // the newest epoch, as a body
	quiet    cell.Slot
	anew     cell.Slot // when it was last assembled anew
	ready    cell.Slot // since when somebody waits to enter, 0 if nobody does
	entering []*member
	channels []channel
	ends     []cell.Slot
	calendar calendar.Calendar
	tokens   []superpose.Token

	busy    *member // whose upload is being read
	refused uint64
}

var _ half.Half = (*Set)(nil)

// New returns a Set without members.
func New(cfg Config) (*Set, error) {
	if cfg.Channels < 1 || cfg.Channels > superpose.MaxChannels {
		return nil, fmt.Errorf("smix: %d channels are not between 1 and %d", cfg.Channels, superpose.MaxChannels)
	}
	if cfg.Seats < 1 || cfg.Seats > MaxSeats {
		return nil, fmt.Errorf("smix: %d seats are not between 1 and %d", cfg.Seats, MaxSeats)
	}
	messages := superpose.Messages(cfg.Channels)
	s := &Set{
		cfg: cfg, messages: messages, times: newTimes(cfg.Interval),
		seats:    make([]*member, cfg.Seats),
		number:   make(map[superpose.Number]*member, cfg.Seats),
		past:     make(map[key.Handle]record),
		early:    make([]int8, cfg.Seats),
		bodies:   make([]byte, messages*seal.ShareSize),
		maps:     make([]byte, messages*superpose.Cells*superpose.NameSize),
		channels: make([]channel, cfg.Channels),
		ends:     make([]cell.Slot, cfg.Channels),
		calendar: calendar.New(cfg.Interval, cfg.Channels),
		tokens:   make([]superpose.Token, 0, messages*superpose.OpenReservations),
		listed:   make([]byte, 0, seal.ShareSize),
	}
	s.epoch = &s.plans[0]
	return s, nil
}

// ErrHandle says that a record is somebody else's.
var ErrHandle = errors.New("smix: the record is another user's")

// Admit checks a member's record.
func (s *Set) Admit(m half.Member) (half.Entrant, error) {
	r, err := superpose.ParseRecord(m.Record, s.cfg.Pin)
	if err != nil {
		return nil, err
	}
	if r.Account.Handle() != m.Handle {
		return nil, ErrHandle
	}
	return &entrant{m.Handle, r, append([]byte(nil), m.Record...)}, nil
}

type entrant struct {
	handle key.Handle
	keys   *superpose.Record
	full   []byte
}

// Join gives a seat to who was admitted. He agrees on keys with the others when it
// is his turn (exchange.go).
func (s *Set) Join(seat int, e half.Entrant) {
	x := e.(*entrant)
	for i, m := range s.seats {
		if m != nil && m.handle == x.handle {
			s.Leave(i)
		}
	}
	s.Leave(seat)
	m := newMember(x, seat, s.freeNumber(), s.cfg.Seats)
	m.record = s.recall(m.handle)
	s.seats[seat], s.number[m.number] = m, m
	s.lobby = append(s.lobby, m)
}

// freeNumber returns a number that nobody has, and nobody had lately.
func (s *Set) freeNumber() superpose.Number {
	for {
		s.last++
		if s.last > superpose.MaxNumber {
			s.last = 1
		}
		if s.number[s.last] == nil && !s.epoch.Has(s.last) && !s.newest().Has(s.last) {
			return s.last
		}
	}
}

// Leave frees a seat. If the member was inside, his share is missing from now on.
func (s *Set) Leave(seat int) {
	m := s.seats[seat]
	if m == nil {
		return
	}
	s.seats[seat] = nil
	delete(s.number, m.number)
	is := func(o *member) bool { return o == m }
	s.lobby, s.ranks = slices.DeleteFunc(s.lobby, is), slices.DeleteFunc(s.ranks, is)
	s.keep(m)
	if m.order == 0 {
		return // Nobody has heard of him.
	}
	gone := superpose.FrameItem(superpose.Gone, m.number)
	for _, o := range s.ranks {
		o.links[seat] = link{}
		o.queue(gone)
	}
}

// Shape returns what an upload is like.
func (s *Set) Shape() half.Shape {
	return half.Shape{Parts: 2, Messages: s.messages, Size: superpose.Size}
}

// Down returns what a download is like.
func (s *Set) Down() half.Shape { return s.Shape() }

// Refused returns how many uploads were not what they should be.
func (s *Set) Refused() uint64 { return s.refused }

// Slot takes in the uploads of slot n and makes what everybody gets for it.
func (s *Set) Slot(n cell.Slot, in []half.In) {
	if n <= s.slot {
		return
	}
	s.slot = n
	s.turn(n)
	s.read(n, in)
	s.sum(n, in)
	s.lease(n)
	s.plan(n)
	s.publish(n)
}

// Recover finishes slot n after a fault: nobody is in an epoch any more, and whose
// upload was being read stays out of all others.
func (s *Set) Recover(n cell.Slot, in []half.In) {
	s.slot = max(s.slot, n)
	if s.busy != nil {
		s.busy.dead = true
		s.busy = nil
	}
	for i, m := range s.seats {
		if m != nil {
			s.early[i] = in[i].Early
		}
	}
	s.abandon(n)
	s.flags = superpose.Listed
	s.publish(n)
}

// abandon has an epoch begin at slot n that nobody is in. It counts as later than
// all that were announced.
func (s *Set) abandon(n cell.Slot) {
	last, next := &s.plans[0], &s.plans[1]
	s.from = append(s.from[:0], next.Members...)
	e := epoch{Epoch: superpose.Epoch{
		Counter: max(last.Counter, next.Counter) + 1, Lapse: true, Start: max(n, last.Start+1, next.Start+1),
	}}
	e.name, _ = e.Name(s.cfg.Channels, s.conn)
	s.dismiss(&e)
	s.planned = false
	s.plans[0], s.plans[1] = e, epoch{Epoch: superpose.Epoch{Members: next.Members[:0]}}
	for _, m := range s.ranks {
		m.inside = false
	}
	s.begin(&s.plans[0])
}

// Out writes message k of part p for a seat.
func (s *Set) Out(seat, p, k int, dst []byte) []byte {
	dst = dst[:superpose.Size]
	h := superpose.Head{Slot: s.slot.Low(), Part: p, K: k, Flags: s.flags, Epoch: s.epoch.Low()}
	body := superpose.Body(dst)
	m := s.seats[seat]
	if m == nil {
		clear(dst)
		h.PutDown(dst)
		return dst
	}
	h.Feedback, h.Ack = s.early[seat], m.up.Ack()
	chunk := superpose.DownChunk(dst)
	switch inside := s.epoch.Has(m.number); {
	case inside && s.flags&superpose.Told == 0 && k == 0:
		h.Grain, h.Count = m.down.Chunk(chunk, s.slot)
		fallthrough
	case inside:
		copy(body, s.bodies[k*seal.ShareSize:])
		if s.flags&superpose.Told != 0 {
			copy(chunk, s.news[:])
		} else if k > 0 {
			clear(chunk)
		}
	default:
		h.Flags = h.Flags&superpose.Told | superpose.Bulk
		h.Grain, h.Count = m.down.Chunk(body, s.slot)
		if k > 0 {
			h.Count = 0
			clear(body)
		}
		copy(chunk, s.news[:])
	}
	h.PutDown(dst)
	per := superpose.Cells * superpose.NameSize
	copy(superpose.Map(dst), s.maps[k*per:(k+1)*per])
	return dst
}
