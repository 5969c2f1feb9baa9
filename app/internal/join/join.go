// Package join makes somebody a user of a server: identity, profile, and one time
// online to see that the line works. The command line and the window do it with the
// same code; neither knows what is in it.
//
//	New ──▶ identity, profile ──▶ online once ──▶ welcome
//	                                  │ the server cannot have accepted the invite
//	                                  └──▶ nothing stays behind
//	Again ──▶ the profile that there is, online once
//
// The profile is made before the invite is used, so that an invite which the server
// has accepted is never lost.
package join

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/transport/key"
	"undertone/transport/signal"
	"undertone/transport/uri"
)

const (
	// lineFor is how long the line may take to come the first time.
	lineFor = 30 * time.Second
	// leaveFor bounds how long taking leave of an sMIX may hold things up.
	leaveFor = 30 * time.Second
)

var (
	// ErrNoLine is why it failed when the server was asked, and said nothing against
	// it, and no cells came.
	ErrNoLine = fmt.Errorf("the server was asked, but no line came within %s; a firewall may block UDP, and what is not HTTPS over TCP", lineFor)
	// ErrInterrupted is why it failed when the context ended before the line was there.
	ErrInterrupted = errors.New("interrupted before the line was there")
	// ErrKept is wrapped by the errors of New after which the profile is still there:
	// the invite may be used up, and Again goes on with it.
	ErrKept = errors.New("the profile is kept")
)

// A Phone is what goes online once.
type Phone interface {
	Run(ctx context.Context) error
	Events() <-chan phone.Event
	Leave(ctx context.Context)
	AwaitIdle(ctx context.Context)
}

// A Maker makes phones: phone.New, but in tests.
type Maker func(phone.Config) (Phone, error)

// Content is what the profile of a new user holds.
func Content(invite *uri.Invite, name string) (*profile.Content, error) {
	id, err := key.NewIdentity()
	if err != nil {
		return nil, err
	}
	c := &profile.Content{Seed: *id.Seed(), Name: name, Account: profile.Account{Server: invite.Server, Token: invite.Token}}
	return c, c.RenewIntro(profile.DayOf(time.Now()))
}

// New makes a profile of content in dir and goes online with it. If the server cannot
// have accepted the invite, nothing stays behind; else the error wraps ErrKept. The
// profile is closed again.
func New(ctx context.Context, dir string, content *profile.Content, o profile.Options, maker Maker) error {
	before, err := names(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the profile's folder: %w", err)
	}
	p, err := profile.Create(dir, content, o)
	switch {
	case errors.Is(err, profile.ErrExists) || errors.Is(err, profile.ErrInUse):
		return err // Somebody else was faster; what is there is not ours.
	case err != nil:
		return errors.Join(err, removeNew(dir, before))
	}
	defer p.Close()
	reached, err := Try(ctx, p, maker)
	switch {
	case err == nil:
		return nil
	case !reached || signal.Permanent(err):
		p.Close()
		return errors.Join(err, removeNew(dir, before))
	}
	return &keptError{err}
}

type keptError struct{ why error }

func (e *keptError) Error() string { return e.why.Error() }

func (e *keptError) Unwrap() []error { return []error{e.why, ErrKept} }

// Again goes online with a profile whose invite may not have been used yet. With
// another account the profile gets that, unless the server refuses it.
func Again(ctx context.Context, p *profile.Profile, account *profile.Account, maker Maker) error {
	c := p.Snapshot()
	was := c.Account
	c.Wipe()
	if account != nil {
		if err := setAccount(p, *account); err != nil {
			return err
		}
	}
	_, err := Try(ctx, p, maker)
	if account != nil && signal.Permanent(err) {
		return errors.Join(err, setAccount(p, was))
	}
	return err
}

func setAccount(p *profile.Profile, account profile.Account) error {
	err := p.Update(func(c *profile.Content) error {
		c.Account = account
		return nil
	})
	if err != nil {
		return err
	}
	return p.Save()
}

// Try goes online once and offline again. It reports whether anybody was reached,
// without which no invite can have been used.
func Try(ctx context.Context, p *profile.Profile, maker Maker) (reached bool, err error) {
	var connected atomic.Bool
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err == nil {
			connected.Store(true)
		}
		return conn, err
	}
	set, err := maker(phone.Config{Profile: p, Sound: audio.Silence{}, Answer: profile.AnswerNever, Connect: dial})
	if err != nil {
		return false, err
	}
	err = once(ctx, set)
	return connected.Load(), err
}

// once waits for the line, takes leave, and returns when the phone has ended.
func once(ctx context.Context, set Phone) error {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	result := make(chan error, 1)
	go func() { result <- set.Run(running) }()
	late := time.NewTimer(lineFor)
	defer late.Stop()
	var o outcome
	leave := func() {
		if !o.leaving {
			o.leaving = true
			go func() {
				defer stop()
				ctx, cancel := context.WithTimeout(context.Background(), leaveFor)
				defer cancel()
				set.Leave(ctx)
				set.AwaitIdle(ctx)
			}()
		}
	}
	interrupted := ctx.Done()
	for {
		select {
		case e, open := <-set.Events():
			if !open {
				return o.result(<-result)
			}
			if o.hear(e) {
				leave()
			}
		case <-late.C:
			o.late = true
			leave()
		case <-interrupted:
			interrupted = nil
			leave()
		}
	}
}

// An outcome is what came of it.
type outcome struct {
	on, late, leaving bool
	last, final       error
}

// hear takes in an event, and reports whether that is enough.
func (o *outcome) hear(e phone.Event) bool {
	switch e.Kind {
	case phone.Online:
		o.on = o.on || !o.leaving
		return true
	case phone.Offline:
		if e.Err != nil && !o.leaving {
			o.last = e.Err
		}
		// All that signalling says is for a person at once. A line that was opened and
		// lost may come the next time.
		var said *signal.Error
		if errors.As(e.Err, &said) && o.final == nil {
			o.final = e.Err
			return true
		}
	}
	return false
}

// result is what to return; ran is what the phone returned.
func (o *outcome) result(ran error) error {
	switch {
	case o.on:
		return nil
	case o.final != nil:
		return o.final
	case ran != nil:
		return ran
	case o.late && o.last != nil:
		return fmt.Errorf("%w: %w", ErrNoLine, o.last)
	case o.late:
		return ErrNoLine
	}
	return ErrInterrupted
}

// names lists a folder.
func names(dir string) (map[string]bool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	all := make(map[string]bool, len(entries))
	for _, e := range entries {
		all[e.Name()] = true
	}
	return all, nil
}

// removeNew removes from a folder what was not there before, and the folder if
// that was not: before is nil then.
func removeNew(dir string, before map[string]bool) error {
	if before == nil {
		return os.RemoveAll(dir)
	}
	now, failed := names(dir)
	for name := range now {
		if !before[name] {
			failed = errors.Join(failed, os.Remove(filepath.Join(dir, name)))
		}
	}
	return failed
}
