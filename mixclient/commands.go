package mixclient

import (
	"context"
	"errors"
	"time"

	"undertone/mixclient/call"
	"undertone/mixclient/contact"
	"undertone/mixclient/group"
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
	// ErrUnsafe is returned for a call in a set that the user could not hide in.
	ErrUnsafe = errors.New("too few of those online are your contacts, so the server could tell that it is you who calls; try again when more are, or add more contacts")
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

// Call rings contacts: one, or in modes with group calls several. Events tell
// what comes of it.
func (e *Engine) Call(whom ...key.Handle) error {
	return e.do(func() error {
		var all []*contact.Contact
		for _, h := range whom {
			x, err := e.callable(h)
			if err != nil {
				return err
			}
			all = append(all, x)
		}
		return e.core.Call().Dial(e.now(), all...)
	})
}

// Add rings one more contact, in a call that the user has begun.
func (e *Engine) Add(h key.Handle) error {
	return e.do(func() error {
		x, err := e.callable(h)
		if err != nil {
			return err
		}
		return e.core.Call().Add(e.now(), x)
	})
}

// Participants returns who else is in the call.
func (e *Engine) Participants() (all []group.Participant) {
	_ = e.do(func() error { // Nobody is, once the engine has stopped.
		all = e.core.Call().Participants()
		return nil
	})
	return all
}

// callable returns a contact who can be rung.
func (e *Engine) callable(h key.Handle) (*contact.Contact, error) {
	x := e.core.Contact(h)
	switch {
	case !e.was:
		return nil, ErrOffline
	case x == nil:
		return nil, ErrNoContact
	case x.Blocked:
		return nil, ErrBlocked
	case e.core.Half().Status().Unsafe:
		return nil, ErrUnsafe
	}
	return x, nil
}

// Answer answers the call that rings.
func (e *Engine) Answer() error {
	return e.do(func() error { return e.core.Call().Accept(e.now()) })
}

// Decline declines the call that rings.
func (e *Engine) Decline() error {
	return e.do(func() error { return e.core.Call().Reject(e.now()) })
}

// Hangup ends the call, gives up ringing, or declines.
func (e *Engine) Hangup() error {
	return e.do(func() error { return e.core.Call().Hangup(e.now()) })
}

// Leave hangs up, if there is a call, and takes leave of the set. It returns when
// all who are concerned have been told, as far as cells can tell them, or ctx ends.
func (e *Engine) Leave(ctx context.Context) {
	talk, cancel := context.WithTimeout(ctx, hangUpFor)
	defer cancel()
	if e.Hangup() == nil {
		e.AwaitIdle(talk)
	}
	ctx, cancel = context.WithTimeout(ctx, e.beginLeave())
	defer cancel()
	e.until(ctx, func() bool {
		left := true
		_ = e.do(func() error { // It has left when it has stopped.
			if h := e.core.Half(); h != nil && e.line != nil {
				h.Leave() // The line may be another one by now.
				left = h.Left()
			}
			return nil
		})
		return left
	})
}

// beginLeave begins to leave the set, and returns how long that may take.
func (e *Engine) beginLeave() time.Duration {
	d := leftOutFor
	_ = e.do(func() error { // There is nothing to leave when it has stopped.
		if h := e.core.Half(); h != nil && e.line != nil {
			d += time.Duration(h.Leave()) * e.cfg.Interval.Duration() //nolint:gosec // some hundreds
		}
		return nil
	})
	return d
}

// AwaitIdle returns when there is no call, or ctx ends.
func (e *Engine) AwaitIdle(ctx context.Context) {
	e.until(ctx, func() bool { return e.State().Call == call.Idle })
}

// until returns when something is so, or ctx ends.
func (e *Engine) until(ctx context.Context, ok func() bool) {
	t := time.NewTicker(e.cfg.Interval.Duration())
	defer t.Stop()
	for !ok() {
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

// Introduce gives a contact's new introduction secret, which is copied.
func (e *Engine) Introduce(h key.Handle, secret *key.Secret) error {
	return e.do(func() error {
		e.core.Introduce(h, secret)
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
		if x.Blocked = on; on {
			_ = e.core.Call().Drop(e.now(), x) // Whoever is in no call is not in this one either.
		}
		return nil
	})
}

// SetIntro changes the user's own introduction secret, which is copied.
func (e *Engine) SetIntro(secret *key.Secret) error {
	return e.do(func() error {
		e.core.SetIntro(secret)
		return nil
	})
}

// SetTellBusy says whether callers are told why they get no answer.
func (e *Engine) SetTellBusy(on bool) error {
	return e.do(func() error {
		e.core.Call().TellBusy = on
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
