package phone

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"undertone/app/internal/profile"
	"undertone/mixclient"
	"undertone/mixclient/call"
	"undertone/mixclient/core"
	"undertone/mixclient/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/uri"
)

// An EventKind says what happened.
type EventKind uint8

// The events.
const (
	// Online and Offline tell of the line; Offline's Err says why, and the next
	// attempt follows by itself.
	Online EventKind = iota + 1
	Offline
	// Paired: Name can be called; New if he introduced himself.
	Paired
	// PairFailed: Err says why.
	PairFailed
	// Rings: Name is calling.
	Rings
	// Accepted: this side answered Name.
	Accepted
	// Connected: the call with Name is there.
	Connected
	// VoiceHeard: the first voice of the call was played.
	VoiceHeard
	// Ended: the call with Name is over; Outcome says how.
	Ended
	// Came and Left: Name has joined the group call, or is in it no more.
	Came
	Left
	// Alarmed: the server or another member does what none should; Alarm says what, and
	// Err in words.
	Alarmed
)

// An Event is something that a person wants to know.
type Event struct {
	Kind     EventKind
	At       time.Time
	Name     string
	Outgoing bool
	New      bool
	// Changed: who introduced himself has the name of another contact, and is blocked
	// until a person accepts him.
	Changed bool
	Outcome call.Outcome
	Talked  time.Duration
	Alarm   half.Alarm
	Err     error
	// OverTCP says, of Online, that cells go over TCP, since this network lets no
	// UDP through: voice may break off, and observers see that it is TCP.
	OverTCP bool
}

// Events returns the channel of events. It is closed when Run returns. Whoever
// runs a phone must take them until it has ended the context of Run: nothing of a
// call waits for that, but answering by itself and the profile do.
func (p *Phone) Events() <-chan Event { return p.out }

// handle takes in an event of the engine.
func (p *Phone) handle(ctx context.Context, e mixclient.Event) {
	ev := Event{At: e.At, Err: e.Err, OverTCP: e.OverTCP}
	switch e.Kind {
	case mixclient.Online:
		ev.Kind = Online
		p.update(func(c *profile.Content) error {
			c.Account.Token = uri.Token{}
			return nil
		})
	case mixclient.Offline:
		ev.Kind = Offline
	case mixclient.VoiceHeard:
		ev.Kind, ev.Name = VoiceHeard, p.State().With
	case mixclient.Alarmed:
		ev.Kind, ev.Alarm, ev.Err = Alarmed, e.Alarm, errors.New(e.Alarm.String())
	case mixclient.FromCore:
		p.fromCore(&ev, e.Core)
	}
	select {
	case p.out <- ev:
	case <-ctx.Done():
	}
}

func (p *Phone) fromCore(ev *Event, e core.Event) {
	switch e.Kind {
	case core.Paired:
		ev.Kind, ev.New = Paired, e.New
		ev.Changed = p.paired(e)
	case core.PairFailed:
		ev.Kind, ev.Err = PairFailed, e.Err
	case core.Call:
		p.call(ev, e.Call)
	}
	ev.Name = p.nameOr(e.Peer, e.Call.Name)
}

// nameOr returns the name of a contact, and of anybody else what others call him.
func (p *Phone) nameOr(h key.Handle, other string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n, ok := p.names[h]; ok {
		return n
	}
	if uri.CheckName(other) != nil {
		return "somebody" // Nothing that a stranger makes up gets to the screen.
	}
	return other
}

// paired keeps a contact's key, and the contact himself if he introduced
// himself. It reports whether he did so by the name of another: then his keys are not
// those that this name had, and no call with him is shown until a person accepts them.
func (p *Phone) paired(e core.Event) (changed bool) {
	p.update(func(c *profile.Content) error {
		for i := range c.Contacts {
			if c.Contacts[i].Handle() == e.Peer {
				return nil
			}
		}
		name := freeName(c, e.Contact.Name)
		p.mu.Lock()
		p.names[e.Peer] = name
		p.mu.Unlock()
		changed = name != e.Contact.Name
		return c.AddContact(profile.Contact{
			Name: name, Fingerprint: e.Contact.Fingerprint, Added: profile.DayOf(time.Now()),
			Blocked: changed, Changed: changed,
		})
	})
	if changed {
		_ = p.engine.Block(e.Peer, true) // It knows him: it has just paired with him.
	}
	p.copyKeys()
	return changed
}

// freeName makes a name unique among the contacts: two people may call
// themselves the same.
func freeName(c *profile.Content, wanted string) string {
	name := wanted
	for n := 2; ; n++ {
		if _, err := c.Contact(name); err != nil {
			return name
		}
		suffix := fmt.Sprintf(" %d", n)
		base := wanted
		for len(base)+len(suffix) > uri.MaxName {
			_, size := utf8.DecodeLastRuneInString(base)
			base = base[:len(base)-size]
		}
		name = strings.TrimSpace(base) + suffix
	}
}

// call takes in what happened in a call.
func (p *Phone) call(ev *Event, e call.Event) {
	ev.Outgoing = e.Outgoing
	switch e.Kind {
	case call.Rings:
		ev.Kind = Rings
		if profile.AnswerMode(p.answer.Load()) == profile.AnswerAuto { //nolint:gosec // it was stored as one
			if err := p.engine.Answer(); err != nil {
				ev.Err = err
			}
		}
	case call.Accepted:
		ev.Kind = Accepted
	case call.Connected:
		ev.Kind = Connected
	case call.Ended:
		ev.Kind, ev.Outcome = Ended, e.Outcome
		ev.Talked = p.lasts(e.Talked)
		p.record(ev, e)
	case call.Came:
		ev.Kind = Came
	case call.Left:
		ev.Kind = Left
	}
}

// lasts returns how long n slots last.
func (p *Phone) lasts(n cell.Slot) time.Duration {
	return time.Duration(n) * p.server.Interval.Duration() //nolint:gosec // as long as a call
}

// record puts a call that is over into the history.
func (p *Phone) record(ev *Event, e call.Event) {
	start := ev.At.Add(-p.lasts(e.Slot - e.Began))
	entry := profile.Call{
		With:      e.Peer,
		Direction: profile.Incoming,
		Outcome:   profile.NoAnswer,
		Start:     start.UTC().Truncate(time.Minute),
		Length:    ev.Talked.Truncate(time.Second),
	}
	if e.Outgoing {
		entry.Direction = profile.Outgoing
	}
	switch {
	case e.Talked > 0:
		entry.Outcome = profile.Answered
	case e.Outcome == call.Rejected || e.Outcome == call.ToldDeclined:
		entry.Outcome = profile.Declined
	}
	p.update(func(c *profile.Content) error {
		if !c.Settings.NoHistory {
			c.AddCall(entry)
		}
		return nil
	})
}
