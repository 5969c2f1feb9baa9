package call

import (
	"undertone/transport/cell"
	"undertone/transport/key"
)

// An Outcome is how a call ended.
type Outcome uint8

// The outcomes.
const (
	// HungUp: this side ended the call, or gave up ringing.
	HungUp Outcome = iota + 1
	// PeerHungUp: the other side ended the call.
	PeerHungUp
	// NoAnswer: the ring time passed. The caller learns nothing else.
	NoAnswer
	// Missed: the caller gave up, or rang while this side was busy.
	Missed
	// Rejected: this side declined.
	Rejected
	// Lost: nothing was heard of the other side for too long.
	Lost
	// ToldBusy and ToldDeclined: the callee chose to tell.
	ToldBusy
	ToldDeclined
	outcomes // one more than the last
)

// Outcomes are all of them.
func Outcomes() []Outcome { return all(HungUp, outcomes) }

func all[T ~uint8](from, to T) (list []T) {
	for v := from; v < to; v++ {
		list = append(list, v)
	}
	return list
}

// String names the outcome as a display would.
func (o Outcome) String() string {
	return [...]string{"", "hung up", "the other side hung up", "no answer", "missed", "declined", "lost", "busy", "declined by the other side"}[o]
}

// An EventKind says what happened.
type EventKind uint8

// The events.
const (
	// Rings: a contact is calling.
	Rings EventKind = iota + 1
	// Accepted: this side answered; the voice begins when the caller is heard.
	Accepted
	// Connected: both sides can hear each other.
	Connected
	// Ended: the call is over, or never was one; Outcome says how.
	Ended
	// Came: somebody has joined the group. At its host, Connected came before.
	Came
	// Left: somebody is in the group no more. At its host, Ended says why.
	Left
)

// An Event is something that a person wants to know about a call.
type Event struct {
	Kind     EventKind
	Peer     key.Handle
	Outgoing bool
	Several  bool // Rings: the caller rings others too, or is talking with them
	Slot     cell.Slot
	Began    cell.Slot // Ended: when it was dialed, or began to ring
	Outcome  Outcome   // Ended
	Talked   cell.Slot // Ended: how many slots both could hear each other
	Place    int       // Came, Left: his place in the group
	Name     string    // Came, Left: what the host calls him
}
