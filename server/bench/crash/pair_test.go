package crash

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"undertone/mixclient"
	"undertone/mixclient/call"
	"undertone/mixclient/clienttest"
	"undertone/server/bench/internal/ours"
	"undertone/server/node"
	"undertone/transport/uri"
)

// A pair is two people who call each other.
type pair struct {
	people  [2]*clienttest.Person
	server  uri.Server
	members []*clienttest.Member // of this call
}

// newPair makes users of two.
func newPair(t *testing.T, s *ours.Server) *pair {
	t.Helper()
	p := &pair{}
	err := s.WithFolder(t.Context(), func(f *node.Folder) error {
		for i, name := range []string{"caller", "callee"} {
			person, err := clienttest.NewPerson(name)
			if err != nil {
				return err
			}
			invite, _, err := f.CreateInvite(t.Context(), name, time.Hour, s.Host())
			if err != nil {
				return err
			}
			if _, err := f.Registry.Redeem(t.Context(), invite.Token, person.Account(), time.Now()); err != nil {
				return err
			}
			p.people[i], p.server = person, invite.Server
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	clienttest.Befriend(p.people[0], p.people[1])
	return p
}

// begin brings both online and into a call.
func (p *pair) begin() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	p.members = nil
	for _, person := range p.people {
		m, err := person.Start(p.server, clienttest.Place{})
		if err != nil {
			return err
		}
		p.members = append(p.members, m)
	}
	caller, callee := p.members[0], p.members[1]
	for _, step := range []func() error{
		func() error { return online(ctx, caller) },
		func() error { return online(ctx, callee) },
		func() error { return caller.Call(callee.Handle) },
		func() error {
			_, err := callee.AwaitCall(ctx, call.Rings)
			return err
		},
		callee.Answer,
		func() error { return callee.AwaitVoice(ctx) },
		func() error { return caller.AwaitVoice(ctx) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("%w; the caller is %+v, the callee %+v", err, caller.State(), callee.State())
		}
	}
	return nil
}

func online(ctx context.Context, m *clienttest.Member) error {
	_, err := m.AwaitOnline(ctx)
	return err
}

// resume waits until one of them hears the server again, and then the other, and notes
// how long after the kill that was.
func (p *pair) resume(m *clienttest.Member, killed time.Time, back, heard *spans) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	e, err := m.Await(ctx, "online again", func(e *mixclient.Event) bool { return e.Kind == mixclient.Online && e.At.After(killed) })
	if err != nil {
		return err
	}
	back.add(e.At.Sub(killed))
	before := m.State().Played.Heard
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		switch s := m.State(); {
		case s.Call != call.Talking:
			return fmt.Errorf("%s: the call is over: he is %s", m.Name, s.Call)
		case s.Played.Heard > before:
			heard.add(time.Since(killed))
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("%s is online again, and hears nothing", m.Name)
		}
	}
}

// end has both hang up and go, as programs do that are closed.
func (p *pair) end() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var errs []error
	for _, m := range p.members {
		m.Leave(ctx)
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}

// close ends what a test that has failed left running.
func (p *pair) close() {
	for _, m := range p.members {
		_ = m.Close() // The test has failed already, or nothing is left.
	}
}
