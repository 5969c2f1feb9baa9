// Package group is a user's one call, with one contact or with several. It is
// pure; time is the slot number. mixclient/core is the only caller.
//
// A call is a star: its host, who called, has a leg to each member, and a leg is a
// call.Machine with all that belongs to it: ring, answer, hang-up, times. With one
// leg it is an ordinary call, and looks like one. As soon as a second leg can talk
// it is a group, and stays one until it ends:
//
//	                  a leg can talk, or ends
//	one leg ──▶ Settled ─────────────────────▶ Changing
//	               ▲      the host draws           │
//	               └───────────────────────────────┘
//	                all are ready, or 5 s have passed
//
// A group has a secret for each generation, and a fresh one whenever somebody
// comes or leaves: who left hears nothing that is said once the change is over,
// and who comes nothing from before. Everybody has a place, the host the first, and
// says his voice once, for all:
//
//	secret ──▶ seal.GroupKey(place)   the voice of who sits there (package seal)
//	       ──▶ seal.GroupVeil(place)  where to find his cells (package veil)
//
// The host tells it on the legs, by letters (package wire), in turns, and anew
// until the member's voice says in its head that he is ready:
//
//	host                                     member
//	 │  welcome: generation, place, since,     │
//	 │           secret, masked with a key     │
//	 │           of the leg                    │
//	 ├────────────────────────────────────────▶│
//	 │       voice, head: ready                │ in the last generation, or on the leg
//	 │◀────────────────────────────────────────┤
//	 │  voice in the new generation            │ when all are ready
//	 ├────────────────────────────────────────▶│ now he speaks in it too
//	 │  member: place, handle, name            │ for each place that is new to him:
//	 ├────────────────────────────────────────▶│ without, he cannot find the cells of
//	 │       voice, head: complete             │ who sits there
//	 │◀────────────────────────────────────────┤
//
// A change is over before the next begins, so there are never more than two
// generations, and whoever is welcomed to a third knows that the second is in use.
// The last generation is heard for two seconds more. Numbers of generations rise,
// so that a welcome told again is ignored.
//
// A letter takes the place of voice, so there is at most one in three slots once
// anybody talks. The generation of a member letter is that since which he has his
// place; a place that is given to somebody else has another.
//
// A member leaves with hang-ups in his voice and on his leg; the host takes that,
// and a leg that has been silent for 20 s, as a change. When the host hangs up, the
// call ends for all.
//
// Seconds from an answer until the one who comes hears somebody, and everybody, and
// from a hang-up until nothing is said any more that the one who left could hear;
// median and longest of 15 tries, with cells that take 200 ms:
//
//	                 hears one    hears all    left
//	 40 ms, 3        1.3  1.3     1.5  1.5     1.0  1.0
//	 40 ms, 3, 5 %   1.3  2.1     1.5  2.4     1.0  1.1     of cells are lost
//	 40 ms, 8        1.9  1.9     2.8  2.8     1.6  1.6
//	 40 ms, 8, 5 %   1.9  3.9     3.0  4.2     1.6  2.3
//	100 ms, 8        3.1  3.1     6.4  6.4     2.9  2.9
//	100 ms, 8, 5 %   3.1  7.5     7.3  9.5     3.0  3.8
//
// Who knows a group's secret can speak in any place of it: members of a group
// trust each other not to speak in each other's name. Signing voice would prove to
// others who said what.
package group

import (
	"crypto/rand"
	"errors"

	"undertone/mixclient/call"
	"undertone/mixclient/contact"
	"undertone/mixclient/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/wire"
)

// There are as many places in a letter as in a group, or the package does not
// compile.
const (
	_ = uint(wire.Places - half.MaxGroup)
	_ = uint(half.MaxGroup - wire.Places)
)

// host is the place of who has called.
const host = 0

// Times, in seconds of the set's clock.
const (
	// changeSeconds is how long a change waits for members who are heard, but do
	// not say that they are ready. Eight members at 100 ms need three.
	changeSeconds = 5
	// awaySeconds without voice mean that a change does not wait for a member.
	awaySeconds = 1
	// settledSeconds lie between two changes.
	settledSeconds = 1
	// closingSeconds is how long the last generation is heard after a change.
	closingSeconds = 2
	// hintSeconds is how often a leg is told that it is heard while it is in no
	// generation yet.
	hintSeconds = 1
)

const (
	// letterEvery is the share of letters once anybody talks: one slot in three.
	letterEvery = 3
	// hangups is how often the voice of a group says that its speaker has hung up.
	hangups = 4
)

// Errors of commands, besides those of package call.
var (
	// ErrNoGroups is returned for a call of several where there is only one route.
	ErrNoGroups = errors.New("this set has no group calls; call one contact at a time")
	// ErrFull is returned when there is no place left.
	ErrFull = errors.New("a group call has room for eight")
	// ErrNotHost is returned to a member who would add somebody.
	ErrNotHost = errors.New("only who called can add others to a call")
	// ErrThere is returned for somebody who is in the call, or is being called.
	ErrThere = errors.New("this contact is in the call already")
	// ErrNobody is returned for a call to nobody.
	ErrNobody = errors.New("there is nobody to call")
)

// Config is what a call has to know of the user and of the set.
type Config struct {
	// Self is the user.
	Self key.Handle
	// Interval is the set's.
	Interval cell.Interval
	// Groups says that the mode lets a user be heard by several.
	Groups bool
}

// A Call is the state of a user's one call. It is for one goroutine at a time.
type Call struct {
	cfg   Config
	slots func(seconds cell.Slot) cell.Slot
	// TellBusy makes a callee send the reason when he is busy or declines.
	TellBusy bool

	legs     []*leg // never empty; a single one may be idle
	turn     int    // which leg had the last letter
	lettered cell.Slot
	redial   []*contact.Contact // whom to call once the last call is left
	parting  int                // hang-ups that are left to be said to the group
	parted   bool               // the last slot said one
	gen      generations
	roster   roster
	welcome  wire.CallLetter // Generation is zero if none waits for Step
	drawn    cell.Slot       // when the newest generation was drawn
	draws    bool            // a generation waits for Step

	// What SealStream seals with: a generation, else a leg.
	said   *generation
	sayLeg *leg
	// spare opens what is of no call.
	spare *seal.StreamOpener
}

// New returns the call of a user who is in none.
func New(cfg Config) *Call {
	perSecond := cell.Slot(1000 / cfg.Interval.Milliseconds()) //nolint:gosec // positive
	var k key.Secret
	_, _ = rand.Read(k.Bytes()) // Never fails: the program ends if the system has no randomness.
	defer k.Wipe()
	return &Call{
		spare: seal.NewStreamOpener(&k),
		cfg:   cfg,
		slots: func(s cell.Slot) cell.Slot { return s * perSecond },
		legs:  []*leg{{Machine: call.New(cfg.Self, cfg.Interval)}},
	}
}

// State returns where the call stands: that of the leg that is furthest.
func (c *Call) State() call.State {
	rank := func(s call.State) int {
		return [...]int{call.Idle: 0, call.Leaving: 1, call.Dialing: 2, call.Ringing: 3, call.Answering: 4, call.Talking: 5}[s]
	}
	s := call.Idle
	for _, l := range c.legs {
		if rank(l.State()) > rank(s) {
			s = l.State()
		}
	}
	return s
}

// Live reports whether the microphone is open: in a call, and only there.
func (c *Call) Live() bool { return c.State() == call.Talking }

// IsGroup reports whether the call is one of a group.
func (c *Call) IsGroup() bool { return c.gen.newest != nil }

// Peer returns the other side of the first leg, nil when idle.
func (c *Call) Peer() *contact.Contact {
	if l := c.active(); l != nil {
		return l.Peer()
	}
	return c.legs[0].Peer()
}

// Peers returns the other sides of all legs that are not being left.
func (c *Call) Peers() []*contact.Contact {
	var all []*contact.Contact
	for _, l := range c.legs {
		if l.isActive() {
			all = append(all, l.Peer())
		}
	}
	return all
}

// Has reports whether there is a leg to a contact.
func (c *Call) Has(x *contact.Contact) bool {
	for _, l := range c.legs {
		if l.Peer() == x {
			return true
		}
	}
	return false
}

// Events returns what happened since it was last called.
func (c *Call) Events() []call.Event { return c.legs[0].Events() }

// Version changes whenever Keys does.
func (c *Call) Version() uint64 { return c.gen.version }

// Keys returns the generations that are valid now, the one that the user speaks
// in first. Secrets are the call's own; the slice is valid until the next call.
func (c *Call) Keys() []half.Group { return c.gen.keys() }

// hosts reports whether the user is the host.
func (c *Call) hosts() bool {
	l := c.active()
	return l != nil && l.Outgoing()
}
