package ours

import (
	"crypto/rand"
	"encoding/binary"
	mrand "math/rand/v2"
	"sync/atomic"
	"time"

	"undertone/server/bench/internal/crowd"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/rtc"
	"undertone/transport/seal"
	"undertone/transport/wire"
)

const (
	// ringFirst is how many slots a user in a call rings in when he comes online,
	// and ringEvery once in how many he does so later: his contact may have been
	// away.
	ringFirst = 3
	ringEvery = 100
)

// A link is the part of a line that is the same in all modes.
type link struct {
	*rtc.Link
	server *Server
	hear   func(h crowd.Heard)
	cell   cell.Cell // the next to be sent
}

func (l *link) set(to *rtc.Link) { l.Link = to }

// Post sends the cell that was made.
func (l *link) Post() { l.Send(l.cell[:]) }

// ref is about the slot that it is. This machine's clock is the server's.
func (l *link) ref(at time.Time) cell.Slot { return l.server.cfg.Interval.At(at) }

// A single is a line of a tMIX.
type single struct {
	link
	peer key.Handle // whom the user talks to; zero: nobody
	rung int        // how often he has rung him
	up   *seal.Sealer
	body cell.Body                   // what is said
	down atomic.Pointer[seal.Opener] // nil until the server has answered
	got  cell.Body                   // touched by receive only
}

func newSingle(s *Server, peer key.Handle, hear func(crowd.Heard)) *single {
	return &single{link: link{server: s, hear: hear}, peer: peer}
}

// begin takes the key of the link.
func (l *single) begin(secret *key.Secret) {
	up, down := seal.LinkKeys(secret)
	defer up.Wipe()
	defer down.Wipe()
	l.up = seal.NewSealer(&up, 0)
	l.down.Store(seal.NewOpener(&down))
}

// Make seals the cell of slot n: a stream or a ring in a call, cover otherwise.
func (l *single) Make(n cell.Slot) {
	head := seal.Head{Kind: cell.Cover}
	switch {
	case l.peer.IsZero():
	case l.rung < ringFirst || n%ringEvery == cell.Slot(l.peer[0])%ringEvery:
		l.rung++
		head.Kind = cell.Ring
		seal.SetLetterAddress(&l.body, l.peer)
	default:
		head.Kind = cell.Stream
		binary.BigEndian.PutUint64(l.body[:], uint64(n)) // As good as sealed to who cannot open it.
	}
	l.up.Seal(&l.cell, n, head, &l.body)
}

// receive opens what came.
func (l *single) receive(b []byte, at time.Time) {
	o := l.down.Load()
	if o == nil || len(b) != cell.Size {
		l.server.odd.Add(1)
		return
	}
	n, head, ok := o.Open((*cell.Cell)(b), l.ref(at), &l.got)
	if !ok {
		l.server.odd.Add(1)
		return
	}
	if head.Kind == cell.Stream {
		l.server.voice.Add(1)
	}
	l.hear(crowd.Heard{Slot: n, Of: 1, Early: head.Feedback, At: at})
}

// A broad is a line of a bMIX.
type broad struct {
	link
	garbage *mrand.ChaCha8
}

func newBroad(s *Server, hear func(crowd.Heard)) *broad {
	var seed [32]byte
	_, _ = rand.Read(seed[:]) // Never fails: the program ends if the system has no randomness.
	return &broad{link: link{server: s, hear: hear}, garbage: mrand.NewChaCha8(seed)}
}

// Make makes the cell of slot n.
func (l *broad) Make(n cell.Slot) {
	_, _ = l.garbage.Read(l.cell[:]) // Never fails.
	binary.BigEndian.PutUint16(l.cell[:], n.Low())
}

// receive reads the head of what came.
func (l *broad) receive(b []byte, at time.Time) {
	h, ok := wire.ParseBroadcast(b)
	if !ok {
		l.server.odd.Add(1)
		return
	}
	l.hear(crowd.Heard{Slot: cell.Extend(l.ref(at), h.Slot), Of: h.Count / wire.BroadcastCells, Early: h.Feedback, At: at})
}
