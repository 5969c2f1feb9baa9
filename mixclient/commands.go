package mixclient

import (
	"context"
	"errors"
	"time"

	"undertone/mixclient/call"
	"undertone/mixclient/contact"
	"undertone/transport/cell"
	"undertone/transport/key"
)

// Errors of commands.
var (
	// ErrStopped is returned by every command after Run has returned.
	ErrStopped = errors.New("the client has stopped")
	// ErrNoContact is returned for a handle that is no contact's.
	ErrNoContact = errors.New("there is no such contact")
	// ErrOffline is returned for a call before the first line.
	ErrOffline = errors.New("not online yet")
	// ErrBlocked is returned for a call to a contact who is blocked.
	ErrBlocked = errors.New("this contact is blocked; unblock him first")
)

// do runs f in the engine's goroutine, and waits for it.
func (e *Engine) do(f func() error) error {
	result := make(chan error, 1)
	select {
	case e.commands <- func() { result <- f() }:
		return <-result
	case <-e.stopped:
		return ErrStopped
	}
}

// now returns the slot that a command is given in.
func (e *Engine) now() cell.Slot { return e.slotAt(time.Now()) }

// Call rings a contact. Events tell what comes of it.
func (e *Engine) Call(h key.Handle) error {
	return e.do(func() error {
		x := e.core.Contact(h)
		switch {
		case !e.was:
			return ErrOffline
		case x == nil:
			return ErrNoContact
		case x.Blocked:
			return ErrBlocked
		}
		return e.core.Machine().Dial(e.now(), x)
	})
}

// Answer answers the call that rings.
func (e *Engine) Answer() error {
	return e.do(func() error { return e.core.Machine().Accept(e.now()) })
}

// Decline declines the call that rings.
func (e *Engine) Decline() error {
	return e.do(func() error { return e.core.Machine().Reject(e.now()) })
}

// Hangup ends the call, gives up ringing, or declines.
func (e *Engine) Hangup() error {
	return e.do(func() error { return e.core.Machine().Hangup(e.now()) })
}

// Leave hangs up, if there is a call, and returns when the other side has been
// told, as far as cells can tell it, or ctx ends.
func (e *Engine) Leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaveFor)
	defer cancel()
	if e.Hangup() == nil {
		e.AwaitIdle(ctx)
	}
}

// AwaitIdle returns when there is no call, or ctx ends.
func (e *Engine) AwaitIdle(ctx context.Context) {
	t := time.NewTicker(e.cfg.Interval.Duration())
	defer t.Stop()
	for e.State().Call != call.Idle {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		case <-e.stopped:
			return
		}
	}
}

// AddContact makes x a contact, and pairs with him if we have his link.
func (e *Engine) AddContact(x *contact.Contact) error {
	return e.do(func() error {
		e.core.Add(x)
		return nil
	})
}

// RemoveContact forgets a contact.
func (e *Engine) RemoveContact(h key.Handle) error {
	return e.do(func() error {
		if e.core.Contact(h) == nil {
			return ErrNoContact
		}
		e.core.Remove(e.now(), h)
		return nil
	})
}

// Block has a contact's letters go unheard, or heard again.
func (e *Engine) Block(h key.Handle, on bool) error {
	return e.do(func() error {
		x := e.core.Contact(h)
		if x == nil {
			return ErrNoContact
		}
		x.Blocked = on
		if m := e.core.Machine(); on && m.Peer() == x {
			_ = m.Hangup(e.now()) // No call is as good as one that has ended.
		}
		return nil
	})
}

// A Keep is what a profile keeps of a contact's keys.
type Keep struct {
	Handle key.Handle
	State  []byte
}

// Keeps returns the keys of all contacts, to be kept.
func (e *Engine) Keeps() ([]Keep, error) {
	var all []Keep
	err := e.do(func() error {
		e.core.Contacts(func(x *contact.Contact) {
			all = append(all, Keep{Handle: x.Handle(), State: x.State()})
		})
		return nil
	})
	return all, err
}
