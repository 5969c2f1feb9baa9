// Package half is what the client's core and the client's half of a mode say to
// each other. It holds types only. The halves are mixclient/tmix, bmix and smix;
// mixclient/core calls them, and mixclient/engine's line picks one.
//
//	core ──Say──▶ Up ──▶ batch of a slot ──▶ pacer
//	core ◀─Found─ Down ◀── one message ◀──── link
//	core ──Keyring──▶ Keys                    whom the half may write to and hear
package half

import (
	"undertone/transport/cell"
	"undertone/transport/key"
)

// A Shape is what goes up in every slot of a link, whatever is said: Parts times
// Messages messages of Size bytes. Part p leaves p/Parts of an interval after the
// tick. A batch lies in memory as its messages one after the other, part by part.
type Shape struct {
	Parts, Messages, Size int
}

// Bytes returns the length of a batch.
func (s Shape) Bytes() int { return s.Parts * s.Messages * s.Size }

// A Say is what the user says in a slot. The zero value is cover.
type Say struct {
	// Kind says what Body is. Stream, Letter and Ring have somebody they are for.
	Kind cell.Kind
	// To is whom a stream or a letter is for. A stream with Group set is for all
	// of the group instead.
	To    key.Handle
	Group bool
	Body  cell.Body
}

// A Found is what one cell of a message was, or was not.
type Found struct {
	// Slot is the one that the cell was sent in.
	Slot cell.Slot
	// Kind is Cover for a cell that is not for this user.
	Kind cell.Kind
	// From is who sent it; in a group it is the zero value, and Place his place in
	// the group. Place is -1 for everything else.
	From  key.Handle
	Place int
	// Body is valid during the call only. It is never nil.
	Body *cell.Body
}

// An Ear takes in what a message holds: Hear is called once for every cell in it,
// for us or not, so that each costs the same.
type Ear interface{ Hear(f *Found) }

// A Report is what a message says of itself.
type Report struct {
	// Slot is the one that the message was sent in.
	Slot cell.Slot
	// Feedback is how early the last uploads came (seal.Head).
	Feedback int8
	// Last reports whether all of its slot has come with it.
	Last bool
	// Final reports whether it is the last that comes in its slot: whoever waits for
	// it has given every copy its time.
	Final bool
}

// MaxGroup is how many there may be in a group call.
const MaxGroup = 8

// A Keyring is whom a half may hear and write to. Secrets in it are copied by who
// takes it in.
type Keyring struct {
	// Intro is the user's own introduction secret: letters of pairing from anybody.
	Intro *key.Secret
	// Peers are those with whom there is a key, or a pairing.
	Peers []Peer
	// Groups are the generations of a group call that are valid now, two at most:
	// the user speaks in the first, and hears all.
	Groups []Group
}

// A Group is one generation of a group call.
type Group struct {
	// Secret is what its members share.
	Secret *key.Secret
	// Place is the user's own place.
	Place int
	// Members are who sits where; zero where nobody does.
	Members [MaxGroup]key.Handle
}

// A Peer is somebody the user has a key with.
type Peer struct {
	Handle key.Handle
	// Pair is the pairwise key of the current hour, Last that of the hour before;
	// nil if there is none.
	Pair, Last *key.Secret
	// Intro is his introduction secret, if we pair with him by his link.
	Intro *key.Secret
}

// A Half is the client's half of a mode, on one link. It is for one goroutine at
// a time; its methods allocate nothing but Keys.
type Half interface {
	// Shape returns what a batch is like. It never changes.
	Shape() Shape
	// Up makes the batch of slot n. It is total: whatever is wrong, it makes one
	// that carries nothing and looks the same.
	Up(out []byte, n cell.Slot, s *Say)
	// Down reads one message that came in about slot ref. It reports false for one
	// that is none of this link's.
	Down(in []byte, ref cell.Slot, ear Ear) (Report, bool)
	// Keys takes in whom the user may hear and write to from now on.
	Keys(k *Keyring)
	// Stale returns down to which slot batches that were made in advance must be
	// made anew, from the newest on, and forgets it; false if there is none. A mode
	// without shared channels has none, ever.
	Stale() (cell.Slot, bool)
	// Wants takes in whether the user is in a call, or about to be: he has something
	// to say in every slot. (Letters of pairings are said when he happens to have a
	// channel.) Modes with a channel for everybody ignore it.
	Wants(on bool)
	// Leave begins to take leave of the set, so that nobody loses anything when the
	// link ends, and Left reports whether that is done. Leave returns how many slots
	// it takes until the server is asked, at most; to call it again changes nothing.
	// In most modes there is nothing to do.
	Leave() cell.Slot
	Left() bool
	// Status returns how things stand.
	Status() Status
	// Alarms returns what a person should know and was not told yet.
	Alarms() []Alarm
}

// A Status is what a half knows of the set. All of it is public.
type Status struct {
	// Members is how many are online, 0 if the mode does not tell. Known is how
	// many of them the user knows.
	Members, Known int
	// Channels is how many shared channels there are, Occupied how many are in
	// use; 0 in modes without any.
	Channels, Occupied int
	// Ready reports whether what the user says goes out. Unsafe says that it will
	// not before more members are online whom he knows.
	Ready, Unsafe bool
}

// An Alarm is something that should not happen with an honest server.
type Alarm uint8

// The alarms.
const (
	// Unsafe: the server offers a set with too few whom the user knows. Nothing is
	// said in it.
	Unsafe Alarm = iota + 1
	// Equivocation: the server has told two users different things of one slot.
	Equivocation
	// Disruption: somebody writes over the channel that the user holds.
	Disruption
)

// String says it for a person.
func (a Alarm) String() string {
	switch a {
	case Unsafe:
		return "too few of the members online are known to you to hide among; calls wait until more are"
	case Equivocation:
		return "the server tells its users different things: it may be trying to find out who calls"
	case Disruption:
		return "somebody disturbs the channels on purpose"
	}
	return "unknown alarm"
}
